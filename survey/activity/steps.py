"""The reduction as SQL, in the words that DuckDB and Spark share, on our own column names.

No name of a study stands in it: values are numbers in their sorted order, given out by the steps themselves. Sums are of
whole numbers, so that no order of rows and no number of threads changes them. `{closes}` and `{opens}` are the two ends of
the wave's window, `{own}` is the wave's number.
"""

from __future__ import annotations

# What every activity's rows say together; a row a wave, an activity and the organisers that some row of it names.
ACTIVITIES = """
SELECT wave_no, activity, groups, MIN(began) AS earliest, MAX(began) AS latest,
       MAX(CASE WHEN took_part IS NULL THEN 0 ELSE 1 END) AS recorded,
       MAX(CASE WHEN role IS NULL OR role = '' THEN 0 ELSE 1 END) AS roles
FROM log
GROUP BY wave_no, activity, groups
"""
MEMBERS = """
SELECT member, CAST(ROW_NUMBER() OVER (ORDER BY member) AS INTEGER) - 1 AS member_no
FROM (SELECT DISTINCT member FROM log) d
"""
REGIONS = """
SELECT region, CAST(ROW_NUMBER() OVER (ORDER BY region) AS INTEGER) - 1 AS region_no
FROM (SELECT DISTINCT region FROM log WHERE region IS NOT NULL) d
"""
CHANNELS = """
SELECT channel, CAST(ROW_NUMBER() OVER (ORDER BY channel) AS INTEGER) - 1 AS channel_no
FROM (SELECT DISTINCT channel FROM log WHERE channel IS NOT NULL) d
"""
# Every row that counts, once for each organiser of its activity; ratings in millionths, a whole number.
TAKEN = """
SELECT l.wave_no = {own} AS own, m.member_no, h.activity_no, h.organiser_no, r.region_no, c.channel_no, l.began,
       CAST(CASE WHEN l.role = 'volunteered' THEN 1 WHEN l.role = 'organised' THEN 2 WHEN l.role = 'proposed' THEN 3
                 WHEN l.role = 'designed' THEN 4 ELSE 0 END AS TINYINT) AS role_no,
       CASE WHEN l.rating BETWEEN -{ratings} AND {ratings} THEN CAST(ROUND(l.rating * 1000000) AS BIGINT) END AS rating
FROM log l
JOIN held h ON h.wave_no = l.wave_no AND h.activity = l.activity
JOIN members m ON m.member = l.member
LEFT JOIN regions r ON r.region = l.region
LEFT JOIN channels c ON c.channel = l.channel
WHERE l.took_part AND l.began <= {closes}
"""
# A time = a member, an organiser, an activity and its start, however many rows say so.
TIMES = """
SELECT member_no, organiser_no, activity_no, began, MIN(region_no) AS region_no, MIN(channel_no) AS channel_no,
       CAST(MAX(CASE WHEN role_no = 1 THEN 1 ELSE 0 END) AS TINYINT) AS volunteered,
       CAST(MAX(CASE WHEN role_no = 2 THEN 1 ELSE 0 END) AS TINYINT) AS organised,
       CAST(MAX(CASE WHEN role_no = 3 THEN 1 ELSE 0 END) AS TINYINT) AS proposed,
       CAST(MAX(CASE WHEN role_no = 4 THEN 1 ELSE 0 END) AS TINYINT) AS designed
FROM taken
GROUP BY member_no, organiser_no, activity_no, began
"""
# A career in the making: counts and times are of the window, `joined` is of the whole log.
PEOPLE = """
SELECT member_no, organiser_no, MIN(began) AS joined, MIN(CASE WHEN began > {opens} THEN began END) AS first_time,
       MAX(CASE WHEN began > {opens} THEN began END) AS last_time,
       CAST(COUNT(CASE WHEN began > {opens} THEN 1 END) AS INTEGER) AS times,
       CAST(COUNT(CASE WHEN began > {opens} AND volunteered = 1 THEN 1 END) AS INTEGER) AS volunteered,
       CAST(COUNT(CASE WHEN began > {opens} AND organised = 1 THEN 1 END) AS INTEGER) AS organised,
       CAST(COUNT(CASE WHEN began > {opens} AND proposed = 1 THEN 1 END) AS INTEGER) AS proposed,
       CAST(COUNT(CASE WHEN began > {opens} AND designed = 1 THEN 1 END) AS INTEGER) AS designed
FROM times
GROUP BY member_no, organiser_no
"""
# The second of three times or more; of two it is the last.
SECONDS = """
SELECT t.member_no, t.organiser_no,
       CASE WHEN COUNT(CASE WHEN t.began = p.first_time THEN 1 END) > 1 THEN MIN(t.began)
            ELSE MIN(CASE WHEN t.began > p.first_time THEN t.began END) END AS second_time
FROM times t
JOIN people p ON p.member_no = t.member_no AND p.organiser_no = t.organiser_no
WHERE p.times > 2 AND t.began > {opens}
GROUP BY t.member_no, t.organiser_no
"""
# The times of the window by region and channel.
SHARES = """
SELECT member_no, organiser_no, region_no, channel_no, CAST(COUNT(*) AS INTEGER) AS times
FROM times
WHERE began > {opens}
GROUP BY member_no, organiser_no, region_no, channel_no
"""
# The region or channel most used; of several used as much the first in their order.
FAVOURITES = """
SELECT member_no, organiser_no, MAX_BY({0}, times * 1000000000 - {0}) AS {0}
FROM (SELECT member_no, organiser_no, {0}, CAST(SUM(times) AS BIGINT) AS times FROM shares
      WHERE {0} IS NOT NULL GROUP BY member_no, organiser_no, {0}) s
GROUP BY member_no, organiser_no
"""
CAREERS = """
SELECT p.member_no, p.organiser_no, COALESCE(r.region_no, -1) AS region_no, COALESCE(c.channel_no, -1) AS channel_no,
       p.joined, p.first_time, CASE WHEN p.times = 2 THEN p.last_time ELSE s.second_time END AS second_time, p.last_time,
       p.times, p.volunteered, p.organised, p.proposed, p.designed
FROM people p
LEFT JOIN seconds s ON s.member_no = p.member_no AND s.organiser_no = p.organiser_no
LEFT JOIN favourite_regions r ON r.member_no = p.member_no AND r.organiser_no = p.organiser_no
LEFT JOIN favourite_channels c ON c.member_no = p.member_no AND c.organiser_no = p.organiser_no
WHERE p.times > 0
ORDER BY p.member_no, p.organiser_no
"""
CELLS = """
SELECT organiser_no, COALESCE(region_no, -1) AS region_no, COALESCE(channel_no, -1) AS channel_no,
       YEAR(began) * 12 + MONTH(began) - 1 AS month_no,
       COUNT(DISTINCT activity_no) AS events, COUNT(DISTINCT member_no) AS people, COUNT(rating) AS rated,
       CAST(COALESCE(SUM(rating), 0) AS BIGINT) AS ratings
FROM taken
WHERE own
GROUP BY organiser_no, COALESCE(region_no, -1), COALESCE(channel_no, -1), YEAR(began) * 12 + MONTH(began) - 1
"""
NEWCOMERS = """
SELECT t.organiser_no, COALESCE(t.region_no, -1) AS region_no, COALESCE(t.channel_no, -1) AS channel_no,
       YEAR(t.began) * 12 + MONTH(t.began) - 1 AS month_no,
       COUNT(DISTINCT t.member_no) AS first_time
FROM taken t
JOIN people p ON p.member_no = t.member_no AND p.organiser_no = t.organiser_no
     AND YEAR(p.joined) = YEAR(t.began) AND MONTH(p.joined) = MONTH(t.began)
WHERE t.own
GROUP BY t.organiser_no, COALESCE(t.region_no, -1), COALESCE(t.channel_no, -1), YEAR(t.began) * 12 + MONTH(t.began) - 1
"""
INCIDENCE = "SELECT DISTINCT member_no, activity_no FROM times WHERE began > {opens}"
LEFT_OUT = """
SELECT reason, response, COUNT(*) AS n
FROM (SELECT response, CASE WHEN began > {closes} THEN 'after_end'
                            WHEN took_part IS NULL THEN 'not_recorded' WHEN NOT took_part THEN 'not_taken_part' END AS reason
      FROM log WHERE wave_no = {own}) l
WHERE reason IS NOT NULL
GROUP BY reason, response
"""
# Tables, in this order: each is read by those below it.
ROWS = (
    ("members", MEMBERS),
    ("regions", REGIONS),
    ("channels", CHANNELS),
    ("taken", TAKEN),
    ("times", TIMES),
    ("people", PEOPLE),
)
# Once the cells are counted and `taken` is gone.
LIVES = (
    ("seconds", SECONDS),
    ("shares", SHARES),
    ("favourite_regions", FAVOURITES.format("region_no")),
    ("favourite_channels", FAVOURITES.format("channel_no")),
)
