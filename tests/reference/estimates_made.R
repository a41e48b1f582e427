# Design-based numbers on made data: 12 strata of two PSUs, SSUs in them, both fpc, unequal weights; lonely PSUs, replicate weights (BRR,
# JKn, bootstrap), calibration, models, tests; adjusted p-values, Kish, Wilson. Run: Rscript estimates_made.R. Last made 2026-11-27. Writes
# estimates_made_data.csv (wholly synthetic; b, k, s: replicate weights, combined) and estimates_made.csv (case, term, estimate, std_error,
# df, conf_low, conf_high, source).
suppressMessages(library(survey)); options(survey.lonely.psu = "fail", warn = 1)
digits <- function(x) { x <- as.vector(x); ifelse(is.na(x), "", sprintf("%.15g", as.numeric(x))) }
rows <- list(); made <- paste0("R ", getRversion(), ", survey ", packageVersion("survey"))
put <- function(case, term, estimate, se = NA, df = NA, low = NA, high = NA, note = NULL)
  rows[[length(rows) + 1]] <<- data.frame(case, term, estimate = digits(estimate), std_error = digits(se), df = digits(df),
    conf_low = digits(low), conf_high = digits(high), source = paste(c(made, note), collapse = "; "), row.names = NULL)
est <- function(case, e, d, term = names(coef(e)), ...) put(case, term, coef(e), SE(e), degf(d), ...)
by <- function(case, e, d, n = 1) est(case, e, d, do.call(paste, c(unname(as.list(as.data.frame(e)[seq_len(n)])), sep = ":")))

# The data: 24 PSUs, five SSUs in each, one to three rows in each. y misses some values.
set.seed(20261127)
m <- data.frame(psu = rep(1:24, each = 5), ssu = 1:120, size = sample(1:3, 120, TRUE))
m$stratum <- (m$psu + 1) %/% 2
m$fpc1 <- sample(5:14, 12, TRUE)[m$stratum]; m$fpc2 <- sample(8:20, 24, TRUE)[m$psu]
m$county <- c("c1", "c2", "c3", "c4")[pmin(4, 1 + (m$stratum + rbinom(120, 2, .3)) %/% 4)]
level <- rnorm(12, 0, 4)[m$stratum] + rnorm(24, 0, 3)[m$psu] + rnorm(120, 0, 2)
m <- cbind(m, level)[rep(1:120, m$size), ]; n <- nrow(m)
m$w <- round(m$fpc1 / 2 * m$fpc2 / 5 * runif(n, .8, 1.4), 2)
m$group <- sample(c("a", "b", "c"), n, TRUE, c(.5, .3, .2)); m$wave <- rep_len(1:2, n)
m$x <- round(exp(rnorm(n, 2 + .03 * m$level, .4)), 2)
m$y <- round(50 + m$level + .8 * m$x + c(a = 0, b = 3, c = -2)[m$group] + rnorm(n, 0, 5), 2)
m$z <- rbinom(n, 1, plogis(-.6 + .05 * m$x + .1 * m$level + c(a = 0, b = .6, c = -.4)[m$group])); m$y[sample.int(n, 9)] <- NA
m <- data.frame(m[c("stratum", "psu", "ssu", "fpc1", "fpc2", "w", "wave", "county", "group", "x", "y", "z")], row.names = NULL)
designs <- list(`no fpc` = svydesign(~psu, strata = ~stratum, weights = ~w, data = m),
  fpc1 = svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~fpc1, data = m),
  fpc2 = svydesign(~psu + ssu, strata = ~stratum, weights = ~w, fpc = ~fpc1 + fpc2, data = m))

# Three designs: without fpc, with the first stage's, with both stages'.
three <- function(case, d) {
  est(paste(case, "mean"), svymean(~y, d, na.rm = TRUE), d); est(paste(case, "total"), svytotal(~x, d), d)
  est(paste(case, "ratio"), svyratio(~y, ~x, d, na.rm = TRUE), d, "y/x"); by(paste(case, "by group"), svyby(~y, ~group, d, svymean, na.rm = TRUE), d)
}
for (name in names(designs)) {
  d <- designs[[name]]; case <- function(x) paste0(name, ": ", x)
  three(case("plain"), d); est(case("total"), svytotal(~y, d, na.rm = TRUE), d); p <- svymean(~z, d); est(case("proportion"), p, d)
  est(case("shares"), svymean(~group, d), d, c("a", "b", "c")); by(case("total by group"), svyby(~x, ~group, d, svytotal), d)
  by(case("proportion by group"), svyby(~z, ~group, d, svymean), d)
  by(case("by group and county"), svyby(~y, ~group + county, d, svymean, na.rm = TRUE), d, 2)
  est(case("change"), svycontrast(svyby(~x, ~wave, d, svymean, covmat = TRUE), c(`1` = -1, `2` = 1)), d, "2 - 1")
  est(case("contrast"), svycontrast(svyby(~z, ~group, d, svymean, covmat = TRUE), c(a = 1, b = -1)), d, "a - b")
  e <- svymean(~y, d, na.rm = TRUE); k <- confint(e, df = degf(d)); put(case("confint"), "y", coef(e), SE(e), degf(d), k[1], k[2])
  for (how in c("logit", "beta", "mean")) {
    k <- attr(svyciprop(~z, d, how), "ci"); put(case(paste("proportion", how)), "z", coef(p), SE(p), degf(d), k[1], k[2], paste("svyciprop", how))
  }
  share <- c(coef(p)); size <- share * (1 - share) / c(SE(p))^2; k <- prop.test(share * size, size, correct = FALSE)$conf.int
  put(case("proportion wilson"), "z", coef(p), SE(p), low = k[1], high = k[2], note = "prop.test at n_eff = p (1 - p) / SE^2, normal quantile")
  put(case("proportion n_eff"), "z", size)
  for (v in c("y", "x")) {
    q <- svyquantile(reformulate(v), d, c(.1, .25, .5, .75, .9), na.rm = TRUE, ci = TRUE, interval.type = "mean", qrule = "math"); k <- confint(q)
    put(case("quantile math"), paste(v, c(.1, .25, .5, .75, .9)), coef(q), SE(q), degf(d[!is.na(m[[v]]), ]), k[, 1], k[, 2])
  }
  for (model in c("gaussian", "logit")) {
    g <- if (model == "gaussian") svyglm(y ~ x + group, d) else svyglm(z ~ x + group, d, family = quasibinomial())
    put(case(model), names(coef(g)), coef(g), SE(g), g$df.residual, note = "df = degf + 1 - coefficients")
    w <- regTermTest(g, ~group); put(case(paste(model, "wald ~group")), c("F", "df", "ddf", "p"), c(w$Ftest, w$df, w$ddf, w$p))
  }
  f <- svychisq(~group + z, d); x <- svychisq(~group + z, d, statistic = "Chisq")
  put(case("chisq F"), c("F", "ndf", "ddf", "p"), c(f$statistic, f$parameter, f$p.value))
  put(case("chisq Chisq"), c("X2", "df", "p"), c(x$statistic, x$parameter, x$p.value), note = "X2 uncorrected, p of X2 / mean eigenvalue")
}

# Calibration to made totals.
groups <- data.frame(group = c("a", "b", "c"), Freq = c(1650, 1000, 850))
counties <- data.frame(county = paste0("c", 1:4), Freq = c(650, 1300, 950, 600))
totals <- c(`(Intercept)` = 3500, groupb = 1000, groupc = 850, x = 27500)
put("margin group", groups$group, groups$Freq); put("margin county", counties$county, counties$Freq); put("calibration totals", names(totals), totals)
wts <- function(case, d) put(paste(case, "weights"), c("min", "max", "sum"), c(range(weights(d)), sum(weights(d))))
for (name in c("no fpc", "fpc2")) {
  d <- designs[[name]]; case <- function(x) paste0(name, ": ", x)
  c3 <- list(raked = rake(d, list(~group, ~county), list(groups, counties), control = list(maxit = 500, epsilon = 1e-10)),
             poststratified = postStratify(d, ~group, groups), calibrated = calibrate(d, ~group + x, totals))
  for (how in names(c3)) { three(case(how), c3[[how]]); wts(case(how), c3[[how]]) }
}

# A stratum that keeps one PSU: PSU 6 is dropped from the data, weights as they were.
put("lonely", "psu dropped", 6); l <- m[m$psu != 6, ]
for (how in c("adjust", "certainty", "remove", "average")) for (fpc in c(FALSE, TRUE)) {
  options(survey.lonely.psu = how); d <- if (fpc) svydesign(~psu, strata = ~stratum, weights = ~w, fpc = ~fpc1, data = l) else
    svydesign(~psu, strata = ~stratum, weights = ~w, data = l)
  three(paste0(if (fpc) "fpc1" else "no fpc", ": lonely ", how), d)
}
options(survey.lonely.psu = "fail")

# Replicate weights. JKn from the design with the first stage's fpc: the rscales hold it. Bootstrap: Rao and Wu, one PSU fewer a stratum.
replicates <- list(BRR = as.svrepdesign(designs$`no fpc`, type = "BRR"), JKn = as.svrepdesign(designs$fpc1, type = "JKn"),
                   bootstrap = as.svrepdesign(designs$`no fpc`, type = "subbootstrap", replicates = 30))
prefix <- c(BRR = "b", JKn = "k", bootstrap = "s")
for (how in names(replicates)) {
  w <- weights(replicates[[how]], "analysis"); colnames(w) <- paste0(prefix[[how]], seq_len(ncol(w))); m <- cbind(m, w)
}
write.csv(format(m, trim = TRUE, digits = 15, drop0trailing = TRUE), "estimates_made_data.csv", row.names = FALSE, quote = FALSE)
m <- read.csv("estimates_made_data.csv")
for (how in names(replicates)) for (mse in c(FALSE, TRUE)) {
  r <- replicates[[how]]; w <- as.matrix(m[grep(paste0("^", prefix[[how]], "[0-9]+$"), names(m))])
  d <- if (how == "BRR") svrepdesign(data = m, weights = ~w, repweights = w, type = how, combined.weights = TRUE, mse = mse) else
    svrepdesign(data = m, weights = ~w, repweights = w, type = how, scale = r$scale, rscales = r$rscales, combined.weights = TRUE, mse = mse)
  r$mse <- mse; stopifnot(all.equal(SE(svymean(~y, d, na.rm = TRUE)), SE(svymean(~y, r, na.rm = TRUE)), tolerance = 1e-12))
  three(paste0(how, ", mse=", mse, ":"), d)
  if (!mse) { put(paste(how, "scale"), "scale", d$scale); put(paste(tolower(how), "rscales"), seq_along(d$rscales), d$rscales) }
}

# Without a design: p-values adjusted for many tests, Kish's effect of weighting, Wilson's interval.
p <- c(.0004, .031, .012, .2, .012, .048, .0071, .63)
put("p-values", seq_along(p), p); for (how in c("holm", "BH")) put(how, seq_along(p), p.adjust(p, how), note = "p.adjust")
w <- rep(c(1, 2, 5), c(50, 30, 20))
put("kish", c("effect", "n_eff"), c(length(w) * sum(w^2) / sum(w)^2, sum(w)^2 / sum(w^2)), note = "50 weights 1, 30 weights 2, 20 weights 5")
for (k in list(c(0, 10), c(1, 10), c(3, 20), c(81, 263), c(45, 60), c(25, 25))) {
  t <- suppressWarnings(prop.test(k[1], k[2], correct = FALSE))
  put("wilson", paste(k, collapse = "/"), t$estimate, low = t$conf.int[1], high = t$conf.int[2], note = "prop.test")
}
write.csv(do.call(rbind, rows), "estimates_made.csv", row.names = FALSE)
