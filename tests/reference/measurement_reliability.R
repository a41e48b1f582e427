# Reliability and validity: alpha with its intervals, items left out, item-rest correlations, alpha of weighted covariances, omega,
# AVE, HTMT, dMACS. Run: Rscript measurement_reliability.R DATA (the folder that holds bhr2000, univer_2002, holzinger1939,
# ess4_britain). Last made 2026-11-27. Writes measurement_reliability.csv (case, quantity, term, value, conf_low, conf_high,
# source). Every fit ends with Newton steps from lavaan's solution.
# Feldt's interval: 1 - (1 - alpha) q, q the .975 and .025 quantiles of F with n - 1 and (n - 1)(k - 1) df.
# dMACS (Nye and Drasgow, 2011), R the first group and F the second, the focal one:
#   d = sqrt( integral of ((nu_R - nu_F) + (lambda_R - lambda_F) eta)^2 f(eta) d eta ) / SD,
#   f the normal density with F's latent mean and variance; in closed form the integral is
#   (nu_R - nu_F + (lambda_R - lambda_F) mean_F)^2 + (lambda_R - lambda_F)^2 var_F.
#   SD as printed there: ((n_R - 1) s_R + (n_F - 1) s_F) / (n_R + n_F - 2); s the item's standard deviation (n - 1) in a group.
#   "root": the root of the variances so pooled.
suppressMessages({library(lavaan); library(semTools); library(psych)}); options(warn = 1)
home <- commandArgs(TRUE)[1]
data <- function(folder, file) read.csv(file.path(home, folder, file), stringsAsFactors = FALSE)
digits <- function(x) { x <- as.vector(x); ifelse(is.na(x), "", sprintf("%.15g", as.numeric(x))) }
rows <- list(); of <- function(...) paste(c(paste0("R ", getRversion()), sapply(c(...), function(p) paste(p, packageVersion(p)))),
  collapse = ", ")
put <- function(case, quantity, value, term = "", low = NA, high = NA, source = of("psych"), note = NULL) if (length(value))
  rows[[length(rows) + 1]] <<- data.frame(case, quantity, term, value = digits(value), conf_low = digits(low),
    conf_high = digits(high), source = paste(c(source, note), collapse = "; "), row.names = NULL)
slope <- function(f, h = FALSE) {
  m <- f@Model; K <- if (m@eq.constraints) m@eq.constraints.K else diag(m@nx.free)
  g <- crossprod(K, lavaan:::lav_model_gradient(m, lavsamplestats = f@SampleStats, lavdata = f@Data)); if (!h) return(g)
  lavaan:::lav_model_get_parameters(m) - K %*% solve(crossprod(K, lavInspect(f, "hessian") %*% K), g)
}
polish <- function(...) {
  a <- list(...); f <- do.call("cfa", a); if (!lavInspect(f, "converged")) stop("did not converge")
  for (step in 1:3) {
    if (max(abs(slope(f))) < 1e-11) break
    p <- parTable(f); p$est[p$free > 0] <- slope(f, TRUE); p$start <- NULL
    f <- do.call("cfa", c(a, list(start = p, optim.method = "none", optim.force.converged = TRUE)))
  }
  if (max(abs(slope(f))) > 1e-9) warning("gradient ", max(abs(slope(f))))
  f
}

# Alpha.
feldt <- function(alpha, n, k) 1 - (1 - alpha) * qf(c(.975, .025), n - 1, (n - 1) * (k - 1))
alphas <- function(case, x, note = NULL) {
  a <- psych::alpha(x, warnings = FALSE); t <- a$total; n <- nrow(x); k <- ncol(x); ci <- feldt(t$raw_alpha, n, k)
  put(case, "n", n); put(case, "alpha", t$raw_alpha, low = ci[1], high = ci[2], note = c(note, "Feldt"))
  same <- max(abs(ci - c(a$feldt$lower.ci[[1]], a$feldt$upper.ci[[1]]))) < 1e-10
  if (!same && !anyNA(x)) stop("psych has another interval")
  w <- t$raw_alpha + c(-1, 1) * qnorm(.975) * t$ase
  put(case, "alpha ase", t$ase, low = w[1], high = w[2], note = c(note, "Duhachek and Iacobucci; alpha -+ z ase"))
  for (q in c("std.alpha", "G6(smc)", "average_r", "median_r", "mean", "sd")) put(case, q, t[[q]], note = note)
  d <- a$alpha.drop; put(case, "alpha if left out", d$raw_alpha, rownames(d), note = note)
  put(case, "std.alpha if left out", d$std.alpha, rownames(d), note = note)
  i <- a$item.stats; stats <- c("raw.r", "std.r", "r.cor", "r.drop", "mean", "sd")
  for (q in stats) put(case, paste("item", q), i[[q]], rownames(i), note = note)
}
raw <- function(v) ncol(v) / (ncol(v) - 1) * (1 - sum(diag(v)) / sum(v))
b <- data("bhr2000", "bhr2000.csv"); lead <- names(b)[2:12]; u <- data("univer_2002", "univer.csv")
sat <- c("informat", "willingn", "officeho", "compete"); h <- data("holzinger1939", "HolzingerSwineford1939.csv")
scales <- list(visual = paste0("x", 1:3), textual = paste0("x", 4:6), speed = paste0("x", 7:9))
e <- data("ess4_britain", "ess4_gb.csv")
alphas("bhr2000", b[lead]); alphas("univer", u[sat]); for (s in names(scales)) alphas(paste("hs", s), h[scales[[s]]])
range <- c("gvjbevn", "gvhlthc", "gvslvol", "gvslvue", "gvcldcr", "gvpdlwk"); full <- e[complete.cases(e[range]), ]
alphas("ess4 range listwise", full[range]); alphas("ess4 range pairwise", e[range], "pairwise covariances")
cw <- cov.wt(full[range], wt = full$dweight / sum(full$dweight), method = "ML")
put("ess4 range weighted", "alpha", raw(cw$cov), source = of(), note = "cov.wt, dweight, complete rows; ML or unbiased")
stopifnot(abs(raw(cw$cov) - raw(cov.wt(full[range], wt = full$dweight / sum(full$dweight))$cov)) < 1e-12)
for (i in range) {
  rest <- setdiff(range, i)
  put("ess4 range weighted", "alpha if left out", raw(cw$cov[rest, rest]), i, source = of(), note = "cov.wt")
  r <- cov.wt(cbind(full[[i]], rowSums(full[rest])), wt = full$dweight / sum(full$dweight), cor = TRUE)$cor[1, 2]
  put("ess4 range weighted", "item r.drop", r, i, source = of(), note = "cov.wt")
}

# Omega, AVE, HTMT.
three <- paste(sapply(names(scales), function(s) paste(s, "=~", paste(scales[[s]], collapse = " + "))), collapse = "\n")
models <- list(bhr2000 = list(paste("lead =~", paste(lead, collapse = " + ")), b),
  univer = list(paste("sat =~", paste(sat, collapse = " + ")), u), hs = list(three, h))
for (case in names(models)) {
  f <- polish(models[[case]][[1]], data = models[[case]][[2]], meanstructure = TRUE); s <- of("lavaan", "semTools")
  value <- function(q, v, note) put(case, q, v, names(v), source = s, note = note)
  value("omega", compRelSEM(f), "observed variance of the sum")
  value("omega, implied variance", compRelSEM(f, obs.var = FALSE), "implied")
  value("AVE", AVE(f), "observed variances"); value("AVE, implied variances", AVE(f, obs.var = FALSE), "implied")
  value("alpha of the model's items", compRelSEM(f, tau.eq = TRUE), "observed")
}
total <- compRelSEM(f, return.total = TRUE)["total"]
put("hs", "omega", total, "total", source = of("lavaan", "semTools"), note = "observed variance of the sum")
for (v in c("htmt2", "htmt")) {
  m <- unclass(htmt(three, h, htmt2 = v == "htmt2", absolute = FALSE)); k <- lower.tri(m)
  names <- outer(colnames(m), colnames(m), function(a, b) paste(b, a, sep = "~~"))
  put("hs", v, m[k], names[k], source = of("semTools"), note = if (v == "htmt2") "geometric means of |r|" else "means of r")
}

# dMACS of two partial models over schools.
dmacs <- function(case, free) {
  f <- polish(three, data = h, group = "school", meanstructure = TRUE, group.equal = c("loadings", "intercepts"),
    group.partial = free)
  est <- lavInspect(f, "est"); R <- est[[1]]; F <- est[[2]]; g <- lavInspect(f, "group.label"); n <- lavInspect(f, "nobs")
  for (s in names(scales)) for (i in scales[[s]]) {
    d0 <- R$nu[i, 1] - F$nu[i, 1]; d1 <- R$lambda[i, s] - F$lambda[i, s]; mean <- F$alpha[s, 1]; var <- F$psi[s, s]
    area <- integrate(function(x) (d0 + d1 * x)^2 * dnorm(x, mean, sqrt(var)), -Inf, Inf, rel.tol = 1e-12)$value
    closed <- (d0 + d1 * mean)^2 + d1^2 * var; if (abs(area - closed) > 1e-8) stop("the integral is off")
    sd <- sapply(g, function(k) sd(h[h$school == k, i])); pooled <- sum((n - 1) * sd) / sum(n - 1)
    put(case, "dMACS", sqrt(closed) / pooled, i, source = of("lavaan"), note = paste("own formula, reference", g[1]))
    put(case, "dMACS root", sqrt(closed / (sum((n - 1) * sd^2) / sum(n - 1))), i, source = of("lavaan"), note = "own formula")
    put(case, "pooled SD", pooled, i, source = of())
  }
}
dmacs("hs school partial x3~1 x7~1", c("x3~1", "x7~1"))
dmacs("hs school partial x3 x8", c("visual=~x3", "x3~1", "speed=~x8", "x8~1"))
write.csv(do.call(rbind, rows), "measurement_reliability.csv", row.names = FALSE)
