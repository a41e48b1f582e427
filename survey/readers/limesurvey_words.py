"""What LimeSurvey writes of its own: codes of the fixed columns, and words of its interface in several languages."""

from __future__ import annotations

FIELDS = {
    "id": "respondent",
    "submitdate": "submitted",
    "lastpage": "status",
    "startlanguage": "language",
    "seed": "other",
    "token": "person",
    "startdate": "started",
    "datestamp": "other",
    "ipaddr": "person",
    "refurl": "source",
    "firstname": "person",
    "lastname": "person",
    "email": "person",
    "interviewtime": "seconds",
}
# What an interface calls them; interfaces that are not here are known by what the first columns hold.
TEXTS = {
    "id": ("response id", "antwort id", "id de la réponse", "id de respuesta", "id risposta", "答案id", "答案 id"),
    "submitdate": ("date submitted", "datum abgeschickt", "date de soumission", "fecha de envío", "提交日期"),
    "lastpage": ("last page", "letzte seite", "dernière page", "última página", "ultima pagina", "最后一页"),
    "startlanguage": ("start language", "start-sprache", "langue de départ", "lenguaje inicial", "起始语言"),
    "seed": ("seed", "zufallsstartwert", "tête de série", "semilla", "种子"),
    "token": (
        "access code",
        "token",
        "zugangscode",
        "zugangsschlüssel",
        "code d'accès",
        "código de acceso",
        "操作代码",
    ),
    "startdate": ("date started", "datum gestartet", "date de lancement", "fecha de inicio", "开始日期"),
    "datestamp": ("date last action", "datum letzte aktivität", "date de la dernière action"),
    "ipaddr": ("ip address", "ip-adresse", "adresse ip", "dirección ip", "ip地址", "ip 地址"),
    "refurl": ("referrer url", "referer url", "weiterleitungs-url", "url référente"),
    "firstname": ("first name", "vorname", "prénom", "nombre", "名"),
    "lastname": ("last name", "nachname", "nom de famille", "apellido", "姓"),
    "email": ("email address", "e-mail-adresse", "adresse courriel", "电子邮件地址"),
    "interviewtime": ("total time", "gesamtzeit", "temps total", "tiempo total", "总时间"),
}

YES = {"yes", "ja", "oui", "sí", "sì", "si", "sim", "是", "да", "tak", "ano", "evet", "はい", "예", "نعم"}
NO = {
    "no",
    "nein",
    "non",
    "nee",
    "não",
    "否",
    "нет",
    "nie",
    "ne",
    "hayır",
    "いいえ",
    "아니오",
    "아니요",
    "nej",
    "nei",
    "لا",
}
OTHER = {
    "other",
    "other:",
    "sonstiges",
    "sonstiges:",
    "andere",
    "autre",
    "autre:",
    "otro",
    "otra",
    "altro",
    "outro",
    "其他",
    "其它",
}
COMMENTS = {"comment", "comments", "kommentar", "commentaire", "comentario", "commento", "评论", "注释", "備註"}
