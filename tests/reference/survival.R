# Kaplan-Meier, Greenwood, medians, competing causes: R's survfit, and the product integral written out where survfit means something
# else. Run in this folder: Rscript survival.R. Last made 2026-11-28. Writes survival.csv (data, group, case, quantity, time, value,
# source) and survival_data.csv (data, group, entry, time, cause). All data are drawn here; "long" has
# two groups whose times are long and mostly distinct. The medians of lung itself (270 [212, 310], 426 [348, 550]) were seen to agree.
suppressMessages(library(survival))
rows <- list(); told <- paste0("R ", getRversion(), ", survival ", packageVersion("survival")); plain <- paste0("R ", getRversion(), ", written out")
put <- function(data, group, case, quantity, time, value, source = told) rows[[length(rows) + 1]] <<-
  data.frame(data, group, case, quantity, time, value = ifelse(is.na(value), "", sprintf("%.15g", value)), source)
set.seed(20261128)
# ties by rounding up; group 1 ends with an event, group 2 with a loss, group 3 runs along one half exactly
ties <- data.frame(data = "ties", group = rep(1:2, each = 40), entry = NA, time = ceiling(rexp(80, .15)), cause = rbinom(80, 1, .65))
for (g in 1:2) { last <- which(ties$group == g); ties$cause[last[ties$time[last] == max(ties$time[last])]] <- 2 - g }
ties <- rbind(ties, data.frame(data = "ties", group = 3, entry = NA, time = c(1, 2, 4, 5), cause = c(1, 1, 1, 0)))
from <- round(runif(60, 0, 4), 1)
late <- data.frame(data = "late", group = rep(1:2, each = 30), entry = from, time = from + round(.1 + rexp(60, .3), 1), cause = rbinom(60, 1, .7))
ways <- data.frame(data = "ways", group = rep(1:2, each = 60), entry = NA, time = ceiling(rexp(120, .2)), cause = sample(0:3, 120, TRUE, c(.3, .4, .2, .1)))
from <- sample(0:3, 70, TRUE)
both <- data.frame(data = "both", group = 1, entry = from, time = from + ceiling(rexp(70, .25)), cause = sample(0:2, 70, TRUE, c(.3, .4, .3)))
# drawn last, so that the others stay what they were
long <- data.frame(data = "long", group = rep(1:2, c(138, 90)), entry = NA, time = ceiling(rexp(228, log(2) / rep(c(270, 426), c(138, 90)))), cause = rbinom(228, 1, .72))
all <- rbind(long, ties, late, ways, both); write.csv(all, "survival_data.csv", row.names = FALSE, na = "")

middle <- function(name, group, case, fit) { q <- quantile(fit, .5)
  put(name, group, case, c("median", "median_low", "median_high"), NA, c(q$quantile, q$lower, q$upper)) }
curve <- function(d, name, group) for (kind in c("log-log", "log", "plain")) for (level in c(.95, .8)) {
  y <- if (all(is.na(d$entry))) Surv(d$time, d$cause > 0) else Surv(d$entry, d$time, d$cause > 0)
  fit <- survfit(y ~ 1, conf.type = kind, conf.int = level); case <- paste(kind, level); middle(name, group, case, fit)
  s <- summary(fit); s$lower[s$surv == 0] <- NA; s$upper[s$surv == 0] <- NA; s$std.err[s$surv == 0] <- NA
  if (case == "log-log 0.95") { put(name, group, "curve", "survival", s$time, s$surv); put(name, group, "curve", "std_error", s$time, s$std.err)
    put(name, group, "curve", "at_risk", s$time, s$n.risk) }
  put(name, group, case, "conf_low", s$time, s$lower); put(name, group, case, "conf_high", s$time, s$upper) }
for (name in c("long", "ties", "late")) for (g in unique(all$group[all$data == name])) curve(all[all$data == name & all$group == g, ], name, g)

# several states: survfit's errors are those of the infinitesimal jackknife
for (g in 1:2) { d <- ways[ways$group == g, ]
  fit <- survfit(Surv(time, factor(cause, 0:3)) ~ 1, d); keep <- fit$n.event[, 2] + fit$n.event[, 3] + fit$n.event[, 4] > 0
  for (k in 1:3) { put("ways", g, paste("cause", k), "incidence", fit$time[keep], fit$pstate[keep, k + 1])
    put("ways", g, paste("cause", k), "std_error", fit$time[keep], fit$std.err[keep, k + 1]) } }
# late entries: Andersen, Borgan, Gill & Keiding (1993), 4.4.20: the covariance of the whole matrix, step by step, multinomial increments
written <- function(d, name, g, causes) {
  P <- diag(causes + 1); V <- matrix(0, (causes + 1)^2, (causes + 1)^2)
  for (t in sort(unique(d$time[d$cause > 0]))) {
    n <- sum((is.na(d$entry) | d$entry < t) & d$time >= t); k <- sapply(1:causes, function(j) sum(d$time == t & d$cause == j)); p <- c(-sum(k), k) / n
    A <- matrix(0, causes + 1, causes + 1); A[1, ] <- p; own <- c(1 - sum(k) / n, k / n); S <- (diag(own) - own %o% own) / n
    W <- matrix(0, (causes + 1)^2, (causes + 1)^2); at <- (0:causes) * (causes + 1) + 1; W[at, at] <- S
    B <- t(diag(causes + 1) + A) %x% diag(causes + 1); L <- diag(causes + 1) %x% P
    V <- B %*% V %*% t(B) + L %*% W %*% t(L); P <- P %*% (diag(causes + 1) + A)
    for (j in 1:causes) { put(name, g, paste("cause", j), "incidence", t, P[1, j + 1], plain)
      put(name, g, paste("cause", j), "std_error", t, sqrt(V[j * (causes + 1) + 1, j * (causes + 1) + 1]), plain) } } }
written(both, "both", 1, 2)
for (g in 1:2) written(ways[ways$group == g, ], "ways", g, 3)
write.csv(do.call(rbind, rows), "survival.csv", row.names = FALSE)
