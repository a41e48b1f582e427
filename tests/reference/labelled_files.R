# What R's own reader of SPSS files (package foreign, from PSPP's code, not ReadStat's) says of a .sav file, and a Stata file
# and one in GB18030 that R's own writer made.
#
#   Rscript labelled_files.R FILE.sav
#
# FILE.sav is what `reference_file` of tests/survey/readers/test_spss.py writes. Writes beside this script labelled_sav.csv (kind, column,
# key, text), labelled_foreign.dta (Stata 10) and labelled_foreign_gb18030.dta (Stata 7). Made with R 4.2.2, foreign 0.8-84.
library(foreign)
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
sav <- suppressWarnings(read.spss(
  commandArgs(TRUE)[1], use.value.labels = FALSE, to.data.frame = FALSE, use.missings = FALSE, reencode = "UTF-8"
))
as_text <- function(x) ifelse(is.na(x), "", format(x, digits = 15, trim = TRUE, drop0trailing = TRUE, scientific = FALSE))
trimmed <- function(x) sub(" +$", "", ifelse(is.na(x), "", x))
epoch <- as.POSIXct("1582-10-14", tz = "UTC")
told <- function(kind, column, key, text) data.frame(kind = kind, column = column, key = key, text = text)
cells <- function(name) {
  x <- sav[[name]]
  text <- if (is.character(x)) trimmed(x) else as_text(as.numeric(x))
  if (name == "day") text <- ifelse(is.na(x), "", format(epoch + x, "%Y-%m-%d", tz = "UTC"))
  if (name == "moment") text <- ifelse(is.na(x), "", format(epoch + x, "%Y-%m-%d %H:%M:%S", tz = "UTC"))
  told("cell", name, seq_along(x), text)
}
labels <- function(name) {
  codes <- attr(sav, "label.table")[[name]]
  if (length(codes)) told("label", name, trimmed(as.character(codes)), names(codes))
}
wording <- attr(sav, "variable.labels")
rows <- c(
  lapply(names(sav), cells), lapply(names(sav), labels),
  list(told("wording", names(wording), "", unname(wording)))
)
out <- do.call(rbind, rows)
con <- file(file.path(here, "labelled_sav.csv"), "wb", encoding = "UTF-8")
write.csv(out[out$kind != "wording" | out$text != "", ], con, row.names = FALSE, eol = "\n", fileEncoding = "UTF-8")
close(con)

frame <- data.frame(
  id = c("007", "08", "x y"), rating = factor(c("low", "high", NA), levels = c("low", "mid", "high")),
  score = c(1.5, NA, -3), count = c(12L, NA, 40000L), day = as.Date(c("2024-02-29", NA, "1959-12-31"))
)
attr(frame, "var.labels") <- c("Number", "How satisfied", "Score", "Count", "Day")
write.dta(frame, file.path(here, "labelled_foreign.dta"), version = 10L)
chinese <- data.frame(id = 1:2, place = iconv(c("\u676d\u5dde", "\u5b81\u6ce2\u5e02"), "UTF-8", "GB18030"))
write.dta(chinese, file.path(here, "labelled_foreign_gb18030.dta"), version = 7L)
