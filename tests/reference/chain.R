# Shares along a chain of steps (survey), differences of them, and medians of days (survival). Run: Rscript chain.R in this folder. Last
# made 2026-11-28. Makes chain_data.csv (people), chain_days.csv (days, 1 where the end was seen) and chain.csv (case, term, estimate,
# std_error, conf_low, conf_high, source).
suppressMessages({library(survey); library(survival)}); options(survey.lonely.psu = "adjust"); set.seed(20)
n <- 300
d <- data.frame(stratum = rep(1:3, each = 100), cluster = rep(1:30, each = 10), group = sample(c("a", "b"), n, TRUE))
d$weight <- round(runif(n, 1, 4) * d$stratum, 3)
lean <- rep(rnorm(30, 0, 0.6), each = 10)
d$propose <- rbinom(n, 1, plogis(0.5 + lean))
d$take_part <- rbinom(n, 1, plogis(0.4 + lean + 0.5 * d$propose))
d$benefit <- rbinom(n, 1, plogis(0.6 + lean))
write.csv(d, "chain_data.csv", row.names = FALSE)
rows <- list()
put <- function(case, term, estimate, std_error, low = NA, high = NA) rows[[length(rows) + 1]] <<-
  data.frame(case, term, estimate = sprintf("%.15g", estimate), std_error = sprintf("%.15g", std_error), conf_low = low, conf_high = high)
d$c1 <- d$propose; d$c2 <- d$c1 * d$take_part; d$c3 <- d$c2 * d$benefit
d$l1 <- 1 - d$c1; d$l2 <- d$c1 - d$c2; d$l3 <- d$c2 - d$c3
whole <- svydesign(~cluster, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
for (g in c("*", "a", "b")) {
  s <- if (g == "*") whole else subset(whole, group == g)
  steps <- c("propose", "take_part", "benefit")
  m <- svymean(~c1 + c2 + c3, s); l <- svymean(~l1 + l2 + l3, s); w <- svymean(~propose + take_part + benefit, s)
  r <- list(svymean(~c1, s), svyratio(~c2, ~c1, s), svyratio(~c3, ~c2, s))
  for (k in 1:3) {
    put(paste("marginal", g), steps[k], coef(w)[k], SE(w)[k]); put(paste("cumulative", g), steps[k], coef(m)[k], SE(m)[k])
    put(paste("conditional", g), steps[k], coef(r[[k]]), SE(r[[k]])); put(paste("lost", g), steps[k], coef(l)[k], SE(l)[k])
  }
}
days <- data.frame(wave = rep(c("1", "2"), c(60, 25)), days = c(ceiling(rexp(60, 1 / 30)), ceiling(rexp(25, 1 / 12))))
days$end <- sample(20:90, 85, TRUE); days$seen <- as.integer(days$days <= days$end); days$days <- pmin(days$days, days$end)
write.csv(days[c("wave", "days", "seen")], "chain_days.csv", row.names = FALSE)
for (w in c("1", "2")) {
  q <- quantile(survfit(Surv(days, seen) ~ 1, days[days$wave == w, ], conf.type = "log-log"), 0.5)
  put("median", w, q$quantile, NA, q$lower, q$upper)
}
out <- do.call(rbind, rows); out$source <- paste0("R ", getRversion(), ", survey ", packageVersion("survey"), ", survival ", packageVersion("survival"))
write.csv(out, "chain.csv", row.names = FALSE)
