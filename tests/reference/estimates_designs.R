# Design-based numbers of five samples drawn from apipop (clusters, two stages, strata of clusters, without fpc) and of apistrat: means,
# totals, ratios, domains, quantiles, calibration, replicates, models, tests. Run: Rscript estimates_designs.R DATA (the folder that holds
# api_strat). Last made 2026-11-27. Writes estimates_samples.csv (sample, cds, pw, fpc1, fpc2: the schools by id alone) and
# estimates_designs.csv (sample, case, term, estimate, std_error, df, conf_low, conf_high, source).
suppressMessages(library(survey)); options(survey.lonely.psu = "adjust", warn = 1)
home <- file.path(commandArgs(TRUE)[1], "api_strat")
a <- read.csv(file.path(home, "apipop.csv"), colClasses = c(cds = "character"), stringsAsFactors = FALSE)
s <- read.csv(file.path(home, "apistrat.csv"), colClasses = c(cds = "character"), stringsAsFactors = FALSE)
digits <- function(x) { x <- as.vector(x); ifelse(is.na(x), "", sprintf("%.15g", as.numeric(x))) }
this <- ""; rows <- list()
put <- function(case, term, estimate, se = NA, df = NA, low = NA, high = NA, note = NULL)
  rows[[length(rows) + 1]] <<- data.frame(sample = this, case, term, estimate = digits(estimate), std_error = digits(se), df = digits(df),
    conf_low = digits(low), conf_high = digits(high), row.names = NULL,
    source = paste(c(paste0("R ", getRversion(), ", survey ", packageVersion("survey")), note), collapse = "; "))
est <- function(case, e, d, term = names(coef(e)), ...) put(case, sub("^factor\\([a-z.]*\\)", "", term), coef(e), as.vector(SE(e)), degf(d), ...)
by <- function(case, e, d, n = 1) est(case, e, d, do.call(paste, c(unname(as.list(as.data.frame(e)[seq_len(n)])), sep = ":")))
wts <- function(case, d, note = NULL) put(case, c("min", "max", "sum"), c(min(weights(d)), max(weights(d)), sum(weights(d))), note = note)

# The samples. A district has its number (dnum); a stratum of strclus and strclus2 is a type of school, its clusters the districts that have it.
set.seed(20261311)
pick <- function(of, n) sort(of[sample.int(length(of), n)])
stage1 <- function(p, n) { d <- unique(p$dnum); data.frame(p[p$dnum %in% pick(d, n), ], fpc1 = length(d), f1 = length(d) / n) }
stage2 <- function(p, m) do.call(rbind, lapply(split(p, p$dnum), function(q)
  data.frame(q[sort(sample.int(nrow(q), min(m, nrow(q)))), ], fpc2 = nrow(q), f2 = nrow(q) / min(m, nrow(q)))))
strata <- function(draw) do.call(rbind, lapply(split(a, a$stype), draw))
drawn <- list(clus1 = stage1(a, 20), clus2 = stage2(stage1(a, 60), 5), strclus = strata(function(p) stage1(p, 25)),
              strclus2 = strata(function(p) stage2(stage1(p, 20), 3)))
drawn <- lapply(drawn, function(x) { x$pw <- x$f1 * if (is.null(x$f2)) 1 else x$f2; rownames(x) <- NULL; x })
drawn$wr <- drawn$clus2; drawn$wr$fpc1 <- drawn$wr$fpc2 <- NULL
column <- function(x, name) if (is.null(x[[name]])) "" else digits(x[[name]])
write.csv(do.call(rbind, lapply(names(drawn), function(n) with(drawn[[n]], data.frame(sample = n, cds, pw = digits(pw),
  fpc1 = column(drawn[[n]], "fpc1"), fpc2 = column(drawn[[n]], "fpc2"))))), "estimates_samples.csv", row.names = FALSE)
designs <- list(apistrat = svydesign(~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = s),
  clus1 = svydesign(~dnum, weights = ~pw, fpc = ~fpc1, data = drawn$clus1),
  clus2 = svydesign(~dnum + cds, weights = ~pw, fpc = ~fpc1 + fpc2, data = drawn$clus2),
  strclus = svydesign(~dnum, strata = ~stype, weights = ~pw, fpc = ~fpc1, data = drawn$strclus, nest = TRUE),
  strclus2 = svydesign(~dnum + cds, strata = ~stype, weights = ~pw, fpc = ~fpc1 + fpc2, data = drawn$strclus2, nest = TRUE),
  wr = svydesign(~dnum + cds, weights = ~pw, data = drawn$wr))

# Every sample.
for (this in names(designs)) {
  d <- designs[[this]]; m <- svymean(~api00, d)
  est("mean", m, d); est("total", svytotal(~enroll, d, na.rm = TRUE), d)
  est("ratio", svyratio(~api.stu, ~enroll, d, na.rm = TRUE), d, "api.stu"); est("sch.wide", svymean(~factor(sch.wide), d), d)
  by("by stype", b <- svyby(~api00, ~stype, d, svymean, covmat = TRUE), d); by("by sch.wide", svyby(~api00, ~sch.wide, d, svymean), d)
  by("by stype and comp.imp", svyby(~api00, ~stype + comp.imp, d, svymean), d, 2)
  by("total by stype", svyby(~enroll, ~stype, d, svytotal, na.rm = TRUE), d)
  est("change", svycontrast(svymean(~api00 + api99, d), c(api00 = 1, api99 = -1)), d, "api00 - api99")
  est("contrast", svycontrast(b, c(E = 1, H = -1)), d, "E - H")
  k <- confint(m, df = degf(d)); put("confint", "api00", coef(m), SE(m), degf(d), k[1], k[2], "t with degf of the design")
}

# Quantiles with Woodruff's interval; df: svyquantile's default, degf of the design without the rows that miss the value.
for (this in c("apistrat", "clus1", "clus2")) for (rule in c("math", "school", "hf7")) for (v in c("api00", "enroll")) {
  d <- designs[[this]]; d <- d[!is.na(d$variables[[v]]), ]; p <- c(.1, .25, .5, .75, .9)
  q <- svyquantile(reformulate(v), designs[[this]], p, na.rm = TRUE, ci = TRUE, interval.type = "mean", qrule = rule); k <- confint(q)
  put(paste("quantile", rule), paste(v, p), coef(q), SE(q), degf(d), k[, 1], k[, 2], "t with degf of the rows that have the value")
}

# Post-stratified, calibrated, raked, trimmed.
counts <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
totals <- c(`(Intercept)` = nrow(a), stypeH = 755, stypeM = 1018, api99 = sum(a$api99))
limits <- list(apistrat = c(.98, 1.03), clus1 = c(.75, 1.25))
three <- function(case, d) {
  est(paste(case, "mean"), svymean(~api00, d), d); est(paste(case, "total"), svytotal(~enroll, d, na.rm = TRUE), d)
  by(paste(case, "by sch.wide"), svyby(~api00, ~sch.wide, d, svymean), d); by(paste(case, "by stype"), svyby(~api00, ~stype, d, svymean), d)
  wts(paste(case, "weights"), d)
}
for (this in c("apistrat", "clus1")) {
  d <- designs[[this]]; three("poststratified", postStratify(d, ~stype, counts)); g <- calibrate(d, ~stype + api99, totals)
  put("calibration totals", names(totals), totals); three("calibrated", g); k <- weights(g) / weights(d)
  put("calibrated g", c("min", "max"), range(k)); l <- limits[[this]]; put("bounded limits", c("lower", "upper"), l)
  g <- calibrate(d, ~stype + api99, totals, bounds = l, calfun = "linear", epsilon = 1e-12, maxit = 500, force = FALSE); k <- weights(g) / weights(d)
  three("bounded", g); put("bounded g", c("min", "max", "at lower", "at upper"), c(range(k), sum(abs(k - l[1]) < 1e-9), sum(abs(k - l[2]) < 1e-9)))
  r <- rake(d, list(~stype, ~sch.wide), list(counts, data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))),
            control = list(maxit = 500, epsilon = 1e-10)); three("raked", r)
  if (this == "apistrat") for (strict in c(FALSE, TRUE))
    wts(if (strict) "trimmed strict weights" else "trimmed weights", trimWeights(r, upper = 40, strict = strict), "upper = 40")
}

# Replicates by the jackknife (JKn, JK1): with the design's fpc, in the scales, and without; mse: squares around the estimate, not the mean.
bare <- list(apistrat = svydesign(~1, strata = ~stype, weights = ~pw, data = s), clus1 = svydesign(~dnum, weights = ~pw, data = drawn$clus1))
for (this in names(bare)) for (fpc in c(TRUE, FALSE)) for (mse in c(FALSE, TRUE)) {
  d <- as.svrepdesign((if (fpc) designs else bare)[[this]], type = "auto", mse = mse); name <- paste0(d$type, if (!fpc) " without fpc")
  case <- function(x) paste0(name, " ", x, ", mse=", mse)
  est(case("mean"), svymean(~api00, d), d); est(case("total"), svytotal(~enroll, d, na.rm = TRUE), d)
  est(case("ratio"), svyratio(~api.stu, ~enroll, d, na.rm = TRUE), d, "api.stu"); by(case("by stype"), svyby(~api00, ~stype, d, svymean), d)
  if (!mse) put(paste(name, "scale"), c("scale", "rscales min", "rscales max", "replicates"), c(d$scale, range(d$rscales), length(d$rscales)))
}

# Models (df: what is left of the design's), tests of terms: F or 2logLR, its degrees of freedom, p.
exact <- function(q, lambda, ddf) {  # P(sum(lambda X) > q), X chi square with 1 df, at most two; over chi square(ddf) / ddf
  if (length(lambda) == 1) return(if (is.finite(ddf)) pf(q / lambda, 1, ddf, lower.tail = FALSE) else pchisq(q / lambda, 1, lower.tail = FALSE))
  over <- function(a) { l <- lambda[1] * cos(a)^2 + lambda[2] * sin(a)^2; if (is.finite(ddf)) (1 + q / (ddf * l))^(-ddf / 2) else exp(-q / (2 * l)) }
  integrate(over, 0, pi / 2, rel.tol = 1e-12)$value * 2 / pi
}
tested <- function(name, g, term) {
  w <- regTermTest(g, term); label <- deparse(term)
  put(paste(name, "wald", label), c("F", "df", "ddf", "p"), c(w$Ftest, w$df, w$ddf, w$p))
  for (ddf in list(NULL, Inf)) {
    t <- regTermTest(g, term, method = "LRT", df = ddf); lambda <- Re(t$lambda); case <- paste(name, if (is.null(ddf)) "lrt" else "lrt df=Inf", label)
    put(case, c("2logLR", "p", "df", "ddf", paste("lambda", seq_along(lambda))), c(t$chisq / mean(lambda), t$p, t$df, t$ddf, lambda),
        note = "2logLR = change of deviance / mean lambda; p by survey's saddlepoint")
    put(case, "p exact", exact(t$chisq, lambda, t$ddf), note = "survey has the statistic and lambda, the p is from pf, pchisq or a quadrature")
  }
}
for (this in c("apistrat", "clus1", "clus2", "strclus")) {
  d <- designs[[this]]
  model <- function(name, g) { put(name, names(coef(g)), coef(g), SE(g), g$df.residual, note = "df = degf + 1 - coefficients"); g }
  g <- model("gaussian", svyglm(formula = api00 ~ ell + meals + mobility, design = d))
  tested("gaussian", g, ~meals); tested("gaussian", g, ~ell + meals)
  g <- model("gaussian stype", svyglm(formula = api00 ~ ell + meals + stype, design = d)); tested("gaussian stype", g, ~stype)
  if (this %in% c("clus2", "strclus")) next
  g <- model("logit", svyglm(formula = I(sch.wide == "Yes") ~ ell + meals, design = d, family = quasibinomial()))
  tested("logit", g, ~meals); tested("logit", g, ~ell + meals)
  g <- model("logit stype", svyglm(formula = I(sch.wide == "Yes") ~ ell + meals + stype, design = d, family = quasibinomial()))
  tested("logit stype", g, ~stype)
  g <- model("poisson", svyglm(formula = api.stu ~ ell + meals + stype, design = d, family = quasipoisson())); tested("poisson", g, ~stype)
}

# Rao and Scott's test, design effects.
for (this in c("apistrat", "clus1", "strclus")) {
  f <- svychisq(~sch.wide + stype, designs[[this]]); x <- svychisq(~sch.wide + stype, designs[[this]], statistic = "Chisq")
  put("chisq F", c("F", "ndf", "ddf", "p"), c(f$statistic, f$parameter, f$p.value))
  put("chisq Chisq", c("X2", "df", "p"), c(x$statistic, x$parameter, x$p.value), note = "X2 uncorrected, p of X2 / mean eigenvalue")
}
for (this in c("apistrat", "clus1", "clus2", "strclus")) for (how in list(TRUE, "replace")) {
  d <- designs[[this]]; name <- if (isTRUE(how)) "deff" else "deff replace"
  put(name, "api00", deff(svymean(~api00, d, deff = how)), df = degf(d))
  put(paste(name, "total"), "enroll", deff(svytotal(~enroll, d, deff = how, na.rm = TRUE)), df = degf(d))
}

# A panel: two rows a school.
this <- "apistrat"; keep <- s[c("cds", "stype", "pw", "fpc")]
d <- svydesign(~cds, strata = ~stype, weights = ~pw, fpc = ~fpc, data = rbind(cbind(keep, wave = 1, y = s$api99), cbind(keep, wave = 2, y = s$api00)))
by("panel by wave", b <- svyby(~y, ~wave, d, svymean, covmat = TRUE), d); est("panel change", svycontrast(b, c(`1` = -1, `2` = 1)), d, "2 - 1")
write.csv(do.call(rbind, rows), "estimates_designs.csv", row.names = FALSE)
