# Confirmatory factor analysis: fit, parameters, standardised loadings, modification indices, invariance ladders, difference and
# score tests, missing data (FIML), sampling weights, clusters. Run: Rscript measurement_cfa.R DATA (the folder that holds
# holzinger1939, ess4_britain, bhr2000, univer_2002, univbct). Last made 2026-11-27. Writes measurement_cfa.csv (model, quantity,
# term, group, value, std_error, source). Every fit ends with Newton steps from lavaan's solution (gradient below 1e-9), FIML's
# saturated moments with em.h1.tol 1e-10: lavaan's own stops leave 1e-6. The bounds of RMSEA's interval have uniroot's tolerance
# (1e-4 in lambda, about 1e-6 in RMSEA). satorra.bentler.2010's M10 has an information matrix that is not positive definite at the
# steps strict - scalar and means - strict; in univer the method fails (metric - configural blank, strict - scalar negative).
suppressMessages(library(lavaan)); options(warn = 1)
home <- commandArgs(TRUE)[1]
data <- function(folder, file) read.csv(file.path(home, folder, file), stringsAsFactors = FALSE)
digits <- function(x) { x <- as.vector(x); ifelse(is.na(x), "", sprintf("%.15g", as.numeric(x))) }
rows <- list(); made <- paste0("R ", getRversion(), ", lavaan ", packageVersion("lavaan"))
put <- function(model, quantity, value, se = NA, term = "", group = "", note = NULL) if (length(value))
  rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, group, value = digits(value), std_error = digits(se),
    source = paste(c(made, note), collapse = "; "), row.names = NULL)

# A fit, polished: Newton steps in the space of the free parameters (K: the equality constraints). FIML's gradient has its groups
# weighted already.
slope <- function(f, h = FALSE) {
  m <- f@Model; K <- if (m@eq.constraints) m@eq.constraints.K else diag(m@nx.free); own <- !f@SampleStats@missing.flag
  g <- crossprod(K, lavaan:::lav_model_gradient(m, lavsamplestats = f@SampleStats, lavdata = f@Data, group.weight = own))
  if (!h) return(g)
  H <- lavaan:::lav_model_hessian(m, f@SampleStats, f@Data, f@Options, f@Cache, group.weight = own)
  lavaan:::lav_model_get_parameters(m) - K %*% solve(crossprod(K, H %*% K), g)
}
polish <- function(...) {
  a <- list(...); f <- first <- do.call("cfa", a); if (!lavInspect(f, "converged")) stop("did not converge")
  for (step in 1:3) {
    if (max(abs(slope(f))) < 1e-11) break
    p <- parTable(f); p$est[p$free > 0] <- slope(f, TRUE); p$start <- NULL
    f <- do.call("cfa", c(a, list(start = p, optim.method = "none", optim.force.converged = TRUE)))
  }
  if (max(abs(slope(f))) > 1e-9 || f@test[[1]]$stat > first@test[[1]]$stat + 1e-9) warning("gradient ", max(abs(slope(f))))
  f
}
wanted <- c("ntotal", "npar", "chisq", "df", "pvalue", "baseline.chisq", "baseline.df", "cfi", "tli", "rmsea", "rmsea.ci.lower",
  "rmsea.ci.upper", "rmsea.pvalue", "srmr", "srmr_bentler", "srmr_bentler_nomean", "srmr_mplus", "srmr_mplus_nomean", "crmr",
  "logl", "unrestricted.logl", "aic", "bic", "bic2")
scaled <- c("chisq.scaled", "chisq.scaling.factor", "pvalue.scaled", "baseline.chisq.scaled", "baseline.chisq.scaling.factor",
  "scaling.factor.h0", "scaling.factor.h1", "cfi.scaled", "tli.scaled", "rmsea.scaled", "rmsea.ci.lower.scaled",
  "rmsea.ci.upper.scaled", "rmsea.pvalue.scaled")
robust <- c("cfi.robust", "tli.robust", "rmsea.robust", "rmsea.ci.lower.robust", "rmsea.ci.upper.robust", "rmsea.pvalue.robust")
fit <- function(model, f, note = NULL) {
  m <- unlist(fitMeasures(f)); for (n in intersect(c(wanted, scaled, robust), names(m))) put(model, n, m[[n]], note = note)
  o <- lavInspect(f, "options")
  cat(sprintf("%-34s chisq %.3f df %g information %s se %s\n", model, m[["chisq"]], m[["df"]], o$information[1], o$se))
}
label <- function(p) paste0(p$lhs, p$op, p$rhs)
groups <- function(f, p) { g <- lavInspect(f, "group.label"); if (length(g)) g[p$group] else "" }
par <- function(model, f, only = NULL, note = NULL) {
  p <- parTable(f); p <- p[p$free > 0, ]; if (!is.null(only)) p <- p[only(p), ]
  put(model, "parameter", p$est, p$se, label(p), groups(f, p), note)
}
std <- function(model, f, note = NULL) {
  s <- standardizedSolution(f); s <- s[s$op %in% c("=~", "~~"), ]; s <- s[s$se > 0, ]
  put(model, "standardised", s$est.std, s$se, label(s), groups(f, s), note)
}
means <- function(model, f, note = NULL) par(model, f, function(p) p$op == "~1" & p$lhs %in% lavNames(f, "lv"), note)
all3 <- function(model, f, note = NULL) { fit(model, f, note); par(model, f, note = note); std(model, f, note) }
test <- function(model, f1, f0, note = NULL, ...) {
  t <- as.data.frame(lavTestLRT(f1, f0, ...)); k <- nrow(t); q <- c("Chisq diff", "Df diff", "Pr(>Chisq)")
  for (i in 1:3) put(model, paste("difference", c("chisq", "df", "pvalue"))[i], t[k, q[i]], note = note)
}

# Holzinger and Swineford, three factors: ML, MLR; then missing values by a rule: x_j (j = 1 to 9) of row i (the first row is 0) is
# missing when ((i + 2 j)^2 + i j) mod 11 is 0.
h <- data("holzinger1939", "HolzingerSwineford1939.csv")
three <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
ml <- polish(three, data = h, meanstructure = TRUE); all3("hs ml", ml)
i <- modindices(ml); put("hs ml", "mi", i$mi, term = label(i), note = "expected information")
put("hs ml", "epc", i$epc, term = label(i), note = "expected information")
all3("hs mlr", polish(three, data = h, meanstructure = TRUE, estimator = "MLR"), "estimator MLR")
row <- seq_len(nrow(h)) - 1; gaps <- h
for (j in 1:9) gaps[((row + 2 * j)^2 + row * j) %% 11 == 0, paste0("x", j)] <- NA
fiml <- function(...) polish(three, data = gaps, missing = "fiml", em.h1.tol = 1e-10, em.h1.iter.max = 10000L, ...)
f <- fiml(); all3("hs fiml ml", f, "missing fiml, information observed")
put("hs fiml ml", "patterns", nrow(lavInspect(f, "patterns"))); x <- paste0("x", 1:9)
put("hs fiml ml", "missing", colSums(is.na(gaps[x])), term = x)
s <- lavInspect(f, "sampstat"); put("hs fiml ml", "saturated mean", s$mean, term = names(s$mean))
k <- lower.tri(s$cov, TRUE); put("hs fiml ml", "saturated cov", s$cov[k], term = outer(x, x, paste, sep = "~~")[k])
i <- modindices(f); put("hs fiml ml", "mi", i$mi, term = label(i), note = "expected information")
all3("hs fiml mlr", fiml(estimator = "MLR"), "missing fiml, estimator MLR")
f <- fiml(information = "expected"); fit("hs fiml ml expected", f, "missing fiml, information expected")
par("hs fiml ml expected", f, note = "missing fiml, information expected")

# The ladder over schools: configural, metric, scalar, strict, means (the last with equal residuals too); partial: scalar with x3~1
# and x7~1 free.
equal <- list(configural = NULL, metric = "loadings", scalar = c("loadings", "intercepts"),
  strict = c("loadings", "intercepts", "residuals"), means = c("loadings", "intercepts", "residuals", "means"))
ladder <- function(name, fitter, note = NULL) {
  fits <- lapply(equal, function(e) if (is.null(e)) fitter() else fitter(group.equal = e))
  for (s in names(fits)) {
    fit(paste(name, s), fits[[s]], note); if (s %in% c("scalar", "strict")) par(paste(name, s), fits[[s]], note = note)
  }
  means(paste(name, "scalar means"), fits$scalar, note)
  for (k in 2:5) {
    step <- paste0(name, " ", names(fits)[k], " - ", names(fits)[k - 1]); robust <- length(fits[[1]]@test) > 1
    test(step, fits[[k - 1]], fits[[k]], if (robust) "satorra.bentler.2001")
    if (robust) test(step, fits[[k - 1]], fits[[k]], "satorra.bentler.2010", method = "satorra.bentler.2010")
    if (robust && fits[[1]]@Options$missing == "listwise")
      test(step, fits[[k - 1]], fits[[k]], "satorra.2000", method = "satorra.2000")
  }
  fits
}
school <- function(...) polish(three, data = h, group = "school", meanstructure = TRUE, ...)
score <- function(model, f, note = NULL) {
  s <- lavTestScore(f, warn = FALSE); p <- parTable(f)
  put(model, "score total", s$test$X2, note = note); put(model, "score total df", s$test$df, note = note)
  u <- as.data.frame(s$uni); at <- match(u$lhs, p$plabel); g <- lavInspect(f, "group.label")[p$group[match(u$rhs, p$plabel)]]
  put(model, "score", u$X2, term = label(p[at, ]), group = g, note = "of this group's parameter and the first group's")
}
fits <- ladder("hs school ml", school); score("hs school ml metric", fits$metric); score("hs school ml scalar", fits$scalar)
free <- c("x3~1", "x7~1"); part <- school(group.equal = equal$scalar, group.partial = free); all3("hs school ml partial", part)
score("hs school ml partial", part)
test("hs school ml partial - metric", fits$metric, part)
robust_school <- function(...) school(estimator = "MLR", ...)
fits <- ladder("hs school mlr", robust_school, "estimator MLR")
part <- robust_school(group.equal = equal$scalar, group.partial = free); fit("hs school mlr partial", part, "estimator MLR")
par("hs school mlr partial", part, note = "estimator MLR")
test("hs school mlr partial - metric", fits$metric, part, "satorra.bentler.2001")
fits <- ladder("hs school fiml mlr", function(...) fiml(group = "school", estimator = "MLR", ...), "missing fiml, estimator MLR")

# ESS round 4, Great Britain: two factors, weights and primary sampling units, listwise and FIML. The rows that miss every item are
# left out first: with weights lavaan 0.6-14 is wrong when they are in (its saturated moments take the wrong weights).
e <- data("ess4_britain", "ess4_gb.csv"); e <- e[rowSums(!is.na(e[5:13])) > 0, ]
two <- "range =~ gvjbevn + gvhlthc + gvslvol + gvslvue + gvcldcr + gvpdlwk\ngoals =~ sbprvpv + sbeqsoc + sbcwkfm"
design <- list(none = list(), weights = list(sampling.weights = "dweight"), cluster = list(cluster = "psu"),
  both = list(sampling.weights = "dweight", cluster = "psu"))
for (miss in c("listwise", "ml")) for (est in c("ML", "MLR")) for (d in names(design)) if (est == "MLR" || d == "none") {
  a <- c(list(two, data = e, meanstructure = TRUE, estimator = est, missing = miss), design[[d]])
  if (miss == "ml") a <- c(a, list(em.h1.tol = 1e-10, em.h1.iter.max = 10000L))
  f <- do.call(polish, a); name <- paste("ess4", if (miss == "ml") "fiml" else miss, tolower(est), d)
  fit(name, f, paste("estimator", est)); par(name, f); if (est == "MLR" && d == "both") std(name, f)
}

# One factor: leadership items; students' satisfaction in all, and in the faculties of 100 students or more. Three: attitudes, whose
# indicators are the three waves.
b <- data("bhr2000", "bhr2000.csv"); one <- paste("lead =~", paste(names(b)[2:12], collapse = " + "))
for (est in c("ML", "MLR"))
  all3(paste("bhr2000", tolower(est)), polish(one, data = b, meanstructure = TRUE, estimator = est), paste("estimator", est))
f <- polish(one, data = b, meanstructure = TRUE, estimator = "MLR", cluster = "GRP")
fit("bhr2000 mlr cluster", f, "estimator MLR, cluster GRP"); par("bhr2000 mlr cluster", f, note = "estimator MLR, cluster GRP")
u <- data("univer_2002", "univer.csv"); items <- "sat =~ informat + willingn + officeho + compete"
all3("univer mlr", polish(items, data = u, meanstructure = TRUE, estimator = "MLR"), "estimator MLR")
big <- names(which(table(u$faculty) >= 100)); u <- u[u$faculty %in% big, ]; u$faculty <- paste0("f", u$faculty)
put("univer", "groups", table(u$faculty), group = names(table(u$faculty)), note = "n of the faculties of 100 or more")
for (est in c("ML", "MLR")) ladder(paste("univer", tolower(est)), function(...)
  polish(items, data = u, group = "faculty", meanstructure = TRUE, estimator = est, ...), paste("estimator", est))
w <- data("univbct", "univbct.csv"); w <- w[!duplicated(w$SUBNUM), ]; w <- w[rowSums(!is.na(w[9:17])) > 0, ]
waves <- "job =~ JOBSAT1 + JOBSAT2 + JOBSAT3\ncommit =~ COMMIT1 + COMMIT2 + COMMIT3\nready =~ READY1 + READY2 + READY3"
for (est in c("ML", "MLR")) {
  f <- polish(waves, data = w, missing = "fiml", estimator = est, em.h1.tol = 1e-10, em.h1.iter.max = 10000L)
  all3(paste("univbct fiml", tolower(est)), f, paste("missing fiml, estimator", est))
}
write.csv(do.call(rbind, rows), "measurement_cfa.csv", row.names = FALSE)
