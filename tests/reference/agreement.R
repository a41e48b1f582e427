# Agreement, ICC and chance cut-offs: R's multilevel, and slow plain ways to what it does not have. Run in this folder:
# Rscript agreement.R. Takes about five minutes. Last made 2026-11-27.
# Writes agreement.csv (what, case, key, value, source). The data are made by arithmetic, so the test makes them again.
suppressMessages({library(multilevel)})
rows <- list()
put <- function(what, case, key, value, source) rows[[length(rows) + 1]] <<-
  data.frame(what, case, key = as.character(key), value = sprintf("%.12g", value), source)
from <- paste0("R ", getRversion(), ", multilevel ", packageVersion("multilevel"))
plain <- paste0("R ", getRversion(), ", written out")

# 60 people in 9 groups of 2 to 14, four items of 1..5, weights; some groups of one mind, at an end and in the middle
size <- c(2, 3, 4, 5, 6, 7, 8, 11, 14); g <- rep(seq_along(size), size); i <- seq_along(g) - 1
x <- sapply(0:3, function(j) 1 + (7 * i + 3 * j + i * i * (j + 1) + g) %% 5)
x[g == 3, ] <- 5; x[g == 4, 1:2] <- 1; x[g == 4, 3:4] <- 4; x[g == 7, ] <- 3 + (i[g == 7] %% 2)
w <- 1 + (i * 5) %% 7 / 2
y <- rowMeans(x) + g / 10

keep <- function(what, case, table, column) for (k in seq_len(nrow(table))) put(what, case, table$grpid[k], table[[column]][k], from)
keep("rwg", "item 1", rwg(x[, 1], g, 2), 2); keep("rwg_j", "made", rwg.j(x, g, 2), 2); keep("rwg_j_lindell", "made", rwg.j.lindell(x, g, 2), 2)
keep("ad_m", "made", ad.m(x, g), 2); keep("a_wg", "made", awg(x, g, c(1, 5)), 2)
keep("rwg_j", "moderate_skew", rwg.j(x, g, .9), 2)
model <- aov(y ~ factor(g)); put("icc1", "made", "", ICC1(model), from); put("icc2", "made", "", ICC2(model), from)

# Wald's exact interval by generalised least squares with the whole covariance matrix, 95 %
z <- outer(g, sort(unique(g)), "==") + 0; n <- length(y); k <- ncol(z)
ssw <- sum(residuals(model)^2); msw <- ssw / (n - k)
h <- function(theta) { v <- solve(diag(n) + theta * z %*% t(z)); one <- rep(1, n)
  m <- sum(v %*% y) / sum(v); (as.numeric(t(y - m) %*% v %*% (y - m)) - ssw) / (k - 1) / msw }
ends <- sapply(c(.975, .025), function(p) uniroot(function(t) h(t) - qf(p, k - 1, n - k), c(-1 / max(size) + 1e-6, 100), tol = 1e-13)$root)
put("icc1", "interval", "low", ends[1] / (1 + ends[1]), plain); put("icc1", "interval", "high", ends[2] / (1 + ends[2]), plain)

# Pairs, one after the other
d <- c(0, 0); t <- c(0, 0)
for (a in 1:(n - 1)) for (b in (a + 1):n) { same <- g[a] == g[b]; f <- w[a] * w[b] / if (same) size[g[a]] else 1
  d[2 - same] <- d[2 - same] + f * (y[a] - y[b])^2 / 2; t[2 - same] <- t[2 - same] + f }
put("icc1", "pairs", "", 1 - (d[1] / t[1]) / (d[2] / t[2]), plain)

# Weighted variance of an item in a group as the mean over pairs of half the squared difference
for (u in sort(unique(g))) { at <- which(g == u); p <- t(combn(at, 2))
  f <- w[p[, 1]] * w[p[, 2]]; put("variance", "weighted", u, sum(f * (x[p[, 1], 1] - x[p[, 2], 1])^2 / 2) / sum(f), plain) }

# Variance between units from their means and squared errors: Paule and Mandel, Q-profile
u <- tapply(y, g, mean); e <- .2 / size
f <- metafor::rma.uni(as.numeric(u), e, method = "PM", control = list(tol = 1e-13, maxiter = 1000)); b <- confint(f, control = list(tol = 1e-12))$random[1, ]
m <- paste0("R ", getRversion(), ", metafor ", packageVersion("metafor"))
put("tau2", "made", "", f$tau2, m); put("tau2", "made", "low", b[["ci.lb"]], m); put("tau2", "made", "high", b[["ci.ub"]], m)

# Cut-offs of 10,000 random groups; beside the value the share of groups that reach it
set.seed(20261128)
cut <- function(what, n, a, j, r, s, value) { put(what, paste(n, a, j, r), "cutoff", value, from); put(what, paste(n, a, j, r), "share", mean(if (what == "ad_m") s <= value + 1e-9 else s >= value - 1e-9), from) }
for (n in c(5, 10, 20)) for (a in c(5, 7)) { s <- rwg.sim(n, a, 10000); cut("rwg", n, a, 1, 0, s$rwg, s$rwg.95)
  s <- ad.m.sim(n, 1, a, NULL, "mean", 10000); cut("ad_m", n, a, 1, 0, s$ad.m, s$ad.m.05) }
for (r in c(0, .3, .6)) { m <- matrix(r, 4, 4); diag(m) <- 1
  s <- if (r) rwg.j.sim(10, 4, 5, m, 10000) else rwg.j.sim(10, 4, 5, NULL, 10000); cut("rwg_j", 10, 5, 4, r, s$rwg, s$rwg.95)
  s <- if (r) ad.m.sim(10, 4, 5, m, "mean", 10000) else ad.m.sim(10, 4, 5, NULL, "mean", 10000); cut("ad_m", 10, 5, 4, r, s$ad.m, s$ad.m.05) }
write.csv(do.call(rbind, rows), "agreement.csv", row.names = FALSE)
