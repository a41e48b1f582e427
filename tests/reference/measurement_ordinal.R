# Ordinal items: polychoric correlations with their asymptotic covariance, WLSMV in delta and theta parameterization, the ladder of
# Wu and Estabrook (2016) over groups, difference tests, categorical omega, ordinal alpha. Run: Rscript measurement_ordinal.R DATA
# (the folder that holds bhr2000, verbagg). Last made 2026-11-27. Writes ordinal_made_data.csv (wholly synthetic) and
# measurement_ordinal.csv (model, quantity, term, group, value, std_error, source). Every fit ends with Newton steps from lavaan's
# solution. gamma is N times the covariance of the thresholds (in the order of the items) and of the correlations; every element of
# its lower triangle is written for six items, the diagonal for the rest. chisq.scaled is lavaan's scaled.shifted.
# The steps (measEq.syntax, theta, std.lv, Wu.Estabrook.2016; the first group is the reference):
#   configural   in each group intercepts 0, residual variances 1, latent means 0 and variances 1; loadings and thresholds free.
#   thresholds   equal thresholds; after the first group intercepts and residual variances are free. With three categories this is
#                the configural model again. A binary item keeps residual variance 1, and so is as in the configural model, too.
#   loadings     equal loadings too; latent variances are free after the first group. A binary item still keeps residual variance 1:
#                its equal loadings assume equal residual variances.
#   intercepts   intercepts 0 in each group; latent means are free after the first group. Only here a binary item's residual
#                variance is free after the first group: with binary items this step is not nested in the loadings' (but in
#                configural). cfi.robust and the like are blank in the steps with constraints: lavaan 0.6-14 cannot make them.
#   residuals    residual variances 1 in each group.
#   means        latent means 0 in each group.
suppressMessages({library(lavaan); library(semTools)}); options(warn = 1)
home <- commandArgs(TRUE)[1]
digits <- function(x) { x <- as.vector(x); ifelse(is.na(x), "", sprintf("%.15g", as.numeric(x))) }
rows <- list(); of <- function(p) paste(p, packageVersion(p))
made <- paste0("R ", getRversion(), ", ", of("lavaan"))
put <- function(model, quantity, value, se = NA, term = "", group = "", note = NULL) if (length(value))
  rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, group, value = digits(value), std_error = digits(se),
    source = paste(c(made, note), collapse = "; "), row.names = NULL)

# Made data: 800 persons in three groups, six ordinal items of two factors, three binary items of a third. o2 is harder in group b.
set.seed(20261127)
n <- 800; m <- data.frame(id = seq_len(n), group = rep(c("a", "b", "c"), c(380, 250, 170))); k <- match(m$group, c("a", "b", "c"))
m$weight <- round(runif(n, .5, 2), 2); noise <- function() rnorm(n)
shift <- c(0, .4, -.3)[k]; spread <- c(1, 1.15, .85)[k]; common <- noise()
f1 <- shift + spread * (.6 * common + .8 * noise()); f2 <- .55 * common + .84 * noise() - .5 * shift
f3 <- .7 * shift + .5 * common + .87 * noise()
item <- function(f, load, at, harder = 0) findInterval(load * f + sqrt(1 - load^2) * noise() - harder, at) + 1L
m$o1 <- item(f1, .8, c(-1.4, -.5, .3, 1.2)); m$o2 <- item(f1, .7, c(-1.2, -.4, .4, 1.3), ifelse(k == 2, .6, 0))
m$o3 <- item(f1, .65, c(-1, 0, .9)); m$o4 <- item(f2, .75, c(-.9, .1, 1)); m$o5 <- item(f2, .7, c(-.6, .7))
m$o6 <- item(f2, .6, c(-1.5, -.7, .2, 1)); m$b1 <- item(f3, .8, -.2); m$b2 <- item(f3, .7, .4); m$b3 <- item(f3, .75, .1)
write.csv(m, "ordinal_made_data.csv", row.names = FALSE)

# A fit, polished as in measurement_cfa.R.
slope <- function(f) {
  m <- f@Model; K <- if (m@eq.constraints) m@eq.constraints.K else diag(m@nx.free)
  list(K = K, g = crossprod(K, lavaan:::lav_model_gradient(m, lavsamplestats = f@SampleStats, lavdata = f@Data)))
}
polish <- function(...) {
  a <- list(...); f <- do.call("cfa", a); if (!lavInspect(f, "converged")) stop("did not converge")
  for (step in 1:4) {
    s <- slope(f); if (max(abs(s$g)) < 1e-11) break
    p <- parTable(f); x <- lavaan:::lav_model_get_parameters(f@Model)
    p$est[p$free > 0] <- x - s$K %*% solve(crossprod(s$K, lavInspect(f, "hessian") %*% s$K), s$g); p$start <- NULL
    f <- do.call("cfa", c(a, list(start = p, optim.method = "none", optim.force.converged = TRUE)))
  }
  if (max(abs(slope(f)$g)) > 1e-9) warning("gradient ", max(abs(slope(f)$g)))
  f
}
wanted <- c("npar", "chisq", "df", "pvalue", "chisq.scaled", "df.scaled", "pvalue.scaled", "chisq.scaling.factor", "baseline.chisq",
  "baseline.df", "baseline.chisq.scaled", "baseline.chisq.scaling.factor", "cfi", "tli", "rmsea", "cfi.scaled", "tli.scaled",
  "rmsea.scaled", "rmsea.ci.lower.scaled", "rmsea.ci.upper.scaled", "rmsea.pvalue.scaled", "cfi.robust", "tli.robust",
  "rmsea.robust", "rmsea.ci.lower.robust", "rmsea.ci.upper.robust", "srmr", "srmr_bentler", "crmr")
fit <- function(model, f, note = NULL) {
  v <- unlist(fitMeasures(f)); for (q in intersect(wanted, names(v))) put(model, q, v[[q]], note = note)
  s <- f@test$scaled.shifted; put(model, "ntotal", lavInspect(f, "ntotal"), note = note)
  put(model, "shift parameter", s$shift.parameter, note = note)
  put(model, "trace UGamma", s$trace.UGamma, note = note); put(model, "trace UGamma squared", s$trace.UGamma2, note = note)
  put(model, "baseline shift parameter", f@baseline$test$scaled.shifted$shift.parameter, note = note)
  cat(sprintf("%-34s chisq %.3f df %g scaled %.3f\n", model, v[["chisq"]], v[["df"]], v[["chisq.scaled"]]))
}
label <- function(p) paste0(p$lhs, p$op, p$rhs)
groups <- function(f, p) { g <- lavInspect(f, "group.label"); if (length(g)) g[p$group] else "" }
par <- function(model, f, only = NULL, note = NULL) {
  p <- parTable(f); p <- p[p$free > 0, ]; if (!is.null(only)) p <- p[only(p), ]
  put(model, "parameter", p$est, p$se, label(p), groups(f, p), note)
}
std <- function(model, f, note = NULL) {
  s <- standardizedSolution(f); s <- s[s$op %in% c("=~", "~~") & s$se > 0, ]
  put(model, "standardised", s$est.std, s$se, label(s), groups(f, s), note)
}
polychoric <- function(model, f, whole = FALSE, note = NULL) {
  s <- lavInspect(f, "sampstat"); g <- lavInspect(f, "gamma"); se <- sqrt(diag(g) / lavInspect(f, "ntotal"))
  k <- lower.tri(s$cov); v <- outer(rownames(s$cov), colnames(s$cov), function(a, b) paste0(b, "~~", a))[k]; n <- length(s$th)
  put(model, "threshold", s$th, se[seq_len(n)], names(s$th), note = note)
  put(model, "polychoric", s$cov[k], se[n + seq_along(v)], v, note = note)
  if (any(rownames(g) != c(names(s$th), v))) stop("another order")
  k <- if (whole) lower.tri(g, TRUE) else row(g) == col(g)
  put(model, "gamma", g[k], term = paste(rownames(g)[row(g)[k]], colnames(g)[col(g)[k]], sep = ","), note = note)
}
six <- paste0("o", 1:6); bin <- c("o1", "o2", "o3", "b1", "b2", "b3")
two <- "f1 =~ o1 + o2 + o3\nf2 =~ o4 + o5 + o6"; both <- "f1 =~ o1 + o2 + o3\nf3 =~ b1 + b2 + b3"

# One group: the correlations, then WLSMV, delta and theta. The pairwise case: o_j (j = 1 to 6) of row i (the first row is 0) is
# missing when ((i + 2 j)^2 + i j) mod 11 is 0.
one <- function(model, syntax, data, ordered, whole = FALSE, note = NULL, ...) for (p in c("delta", "theta")) {
  f <- polish(syntax, data = data, ordered = ordered, estimator = "WLSMV", parameterization = p, ...); name <- paste(model, p)
  kind <- c(paste("WLSMV", p), note); fit(name, f, kind); par(name, f, note = kind); std(name, f, kind)
  if (p == "theta") next
  polychoric(model, f, whole, note); i <- modindices(f); put(name, "mi", i$mi, term = label(i), note = c(kind, "unscaled"))
  value <- function(q, v) put(model, q, v, term = names(v), note = c(of("semTools"), kind))
  value("omega categorical", compRelSEM(f)); value("omega categorical, implied", compRelSEM(f, obs.var = FALSE))
  value("omega of latent responses", compRelSEM(f, ord.scale = FALSE)); value("AVE", AVE(f))
  value("ordinal alpha", compRelSEM(f, tau.eq = TRUE, ord.scale = FALSE))
}
gaps <- m; i <- m$id - 1; for (j in 1:6) gaps[((i + 2 * j)^2 + i * j) %% 11 == 0, six[j]] <- NA
one("made 6", two, m, six, TRUE); one("made binary", both, m, bin)
one("made 6 weighted", two, m, six, TRUE, "sampling.weights weight", sampling.weights = "weight")
one("made 6 pairwise", two, gaps, six, TRUE, "missing pairwise", missing = "pairwise")
one("made 6 listwise", two, gaps, six, FALSE, "missing listwise")
for (add in c(0, .5)) for (model in c("made 6", "made binary")) {
  items <- if (model == "made 6") six else bin; p <- suppressWarnings(psych::polychoric(m[items], correct = add, global = FALSE))
  k <- lower.tri(p$rho); term <- outer(items, items, function(a, b) paste0(b, "~~", a))[k]
  put(model, paste("psych polychoric, correct", add), p$rho[k], term = term, note = paste(of("psych"), "global = FALSE"))
}
for (f in c("f1", "f2")) {
  r <- suppressWarnings(psych::polychoric(m[if (f == "f1") six[1:3] else six[4:6]], correct = 0, global = FALSE)$rho)
  a <- psych::alpha(r, warnings = FALSE)$total$std.alpha
  put("made 6", "ordinal alpha, psych", a, term = f, note = paste(of("psych"), "correct = 0"))
}
b <- read.csv(file.path(home, "bhr2000", "bhr2000.csv")); items <- c("AP12", "AP17", "AP33", "AP34", "AS14")
one("bhr2000", paste("lead =~", paste(items, collapse = " + ")), b, items, TRUE)

# The ladder. Difference tests by lavTestLRT: satorra.2000, A by delta; by exact too where the restricted model frees no parameter
# (else exact is wrong: it sees only the equalities and the fixed values of the restricted model).
steps <- list(configural = "", thresholds = "thresholds", loadings = c("thresholds", "loadings"),
  intercepts = c("thresholds", "loadings", "intercepts"), residuals = c("thresholds", "loadings", "intercepts", "residuals"),
  means = c("thresholds", "loadings", "intercepts", "residuals", "means"))
free <- function(f) { p <- parTable(f); p <- p[p$free > 0, ]; paste(label(p), p$group) }
test <- function(model, f1, f0) for (A in c("delta", if (all(free(f0) %in% free(f1))) "exact")) {
  t <- try(lavTestLRT(f1, f0, A.method = A), TRUE); if (inherits(t, "try-error")) { cat(model, A, "failed:", t); next }
  note <- paste("satorra.2000, A", A)
  for (q in c("Chisq diff", "Df diff", "Pr(>Chisq)")) put(model, paste("difference", q), t[2, q], note = note)
  put(model, "difference scale", attr(t, "scale")[2], note = note); put(model, "difference shift", attr(t, "shift")[2], note = note)
}
wu <- function(syntax, data, group, ordered, equal, ...) {
  s <- measEq.syntax(syntax, data = data, group = group, ordered = ordered, parameterization = "theta", ID.fac = "std.lv",
    ID.cat = "Wu.Estabrook.2016", group.equal = equal, return.fit = FALSE, ...)
  polish(as.character(s), data = data, group = group, ordered = ordered, parameterization = "theta", estimator = "WLSMV")
}
latent <- function(f) function(p) p$lhs %in% lavNames(f, "lv") & p$op %in% c("~1", "~~")
ladder <- function(model, syntax, data, group, ordered, all = FALSE) {
  fits <- lapply(steps, function(e) wu(syntax, data, group, ordered, e)); note <- paste(of("semTools"), "WLSMV theta")
  put(model, "n", lavInspect(fits[[1]], "nobs"), group = lavInspect(fits[[1]], "group.label"))
  for (s in names(fits)) {
    name <- paste(model, s); fit(name, fits[[s]], note)
    if (s == "intercepts" || all) par(name, fits[[s]], note = note)
    if (s %in% c("intercepts", "residuals")) par(paste(name, "latent"), fits[[s]], latent(fits[[s]]), note)
  }
  for (k in 2:6) test(paste(model, names(fits)[k], "-", names(fits)[k - 1]), fits[[k - 1]], fits[[k]])
  for (k in 3:5) test(paste(model, names(fits)[k], "- configural"), fits[[1]], fits[[k]])
  fits
}
fits <- ladder("made ladder", two, m, "group", six, TRUE)
part <- wu(two, m, "group", six, steps$intercepts, group.partial = "o2 ~ 1"); fit("made ladder partial", part, "o2 ~ 1 free")
par("made ladder partial", part, note = "o2 ~ 1 free"); test("made ladder partial - loadings", fits$loadings, part)
fits <- ladder("made binary ladder", both, m, "group", bin, TRUE)
v <- read.csv(file.path(home, "verbagg", "VerbAgg.csv"), stringsAsFactors = FALSE)
acts <- paste0(rep(c("S1", "S2"), each = 3), c("WantCurse", "WantScold", "WantShout")); v <- v[v$item %in% acts, ]
v$code <- match(v$resp, c("no", "perhaps", "yes"))
w <- reshape(v[c("id", "Gender", "item", "code")], idvar = c("id", "Gender"), timevar = "item", direction = "wide")
names(w) <- sub("^code[.]", "", names(w)); syntax <- paste("anger =~", paste(acts, collapse = " + "))
one("verbagg", syntax, w, acts); fits <- ladder("verbagg ladder", syntax, w, "Gender", acts)
write.csv(do.call(rbind, rows), "measurement_ordinal.csv", row.names = FALSE)
