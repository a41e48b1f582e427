# Scaled pseudo-likelihood of mixed models: numbers of glmmTMB, whose weights= multiply the log density of a row, and of lme4, on
# the data of mixed_crossed.R. Run in this folder: Rscript mixed_weighted.R. Takes half a minute. Last made 2026-11-28.
# Writes mixed_weighted.csv (model, quantity, term, value, source). Errors: 14 refits, each without one region, the others' rows
# counting 14/13, weights scaled anew: v = 13/14 sum (b_r - b)^2.
suppressMessages({library(lme4); library(glmmTMB)}); options(warn = -1)
d <- read.csv("mixed_crossed_data.csv", stringsAsFactors = TRUE); d$high <- as.integer(d$y > 3)
d$cell <- interaction(d$group, d$region)
d$all <- 1
rows <- list(); from <- paste0("R ", getRversion(), ", ")
scaled <- function(d, by, count = 1) d$w * ave(rep(count, nrow(d)), d[[by]], FUN = sum) / ave(d$w, d[[by]], FUN = sum)
put <- function(model, quantity, term, value, how) rows[[length(rows) + 1]] <<-
  data.frame(model, quantity, term, value = sprintf("%.12g", value), source = paste0(from, how, " ", packageVersion(how)))
linear <- y ~ x + sex + (1 | group) + (1 | region); logit <- high ~ x + sex + (1 | group) + (1 | region)
tight <- list(glmmTMBControl(optCtrl = list(rel.tol = 1e-15, x.tol = 1e-12, iter.max = 1e4, eval.max = 1e4)),
  glmmTMBControl(optimizer = optim, optArgs = list(method = "BFGS"), optCtrl = list(reltol = 1e-16, maxit = 1e4)))
fit <- function(f, d, family, by, count = 1) { d$s <- scaled(d, by, count)
  m <- glmmTMB(f, d, family, weights = s, control = tight[[1]])
  start <- list(beta = fixef(m)$cond, theta = m$fit$par[names(m$fit$par) == "theta"])
  glmmTMB(f, d, family, weights = s, start = start, control = tight[[2]]) }
numbers <- function(m) { v <- VarCorr(m)$cond; sc <- attr(v, "sc")
  c(fixef(m)$cond, sapply(v, function(k) k[1, 1]), if (family(m)$family == "gaussian") c(residual = sc^2)) }
keep <- function(name, f, family, by) { m <- fit(f, d, family, by); full <- numbers(m)
  put(name, "log_likelihood", "", as.numeric(logLik(m)), "glmmTMB")
  again <- sapply(levels(d$region), function(r) numbers(fit(f, droplevels(d[d$region != r, ]), family, by, 14 / 13)))
  se <- sqrt(13 / 14 * rowSums((again - full)^2))
  for (t in names(full)) { v <- t %in% c("group", "region", "residual")
    put(name, if (v) "variance" else "estimate", t, full[t], "glmmTMB")
    put(name, if (v) "variance_error" else "std_error", t, se[t], "glmmTMB") } }
lme <- function(name, by) { d$s <- scaled(d, by)  # precision weights: minus half the sum of their logarithms is a pseudo-likelihood
  m <- lmer(linear, d, weights = s, REML = FALSE, control = lmerControl(optimizer = "bobyqa",
    optCtrl = list(rhoend = 1e-10, maxfun = 1e6), calc.derivs = FALSE))
  put(name, "log_likelihood", "", as.numeric(logLik(m)) - sum(log(d$s)) / 2, "lme4")
  for (t in names(fixef(m))) put(name, "estimate", t, fixef(m)[t], "lme4")
  v <- as.data.frame(VarCorr(m)); for (i in seq_len(nrow(v))) put(name, "variance", sub("R", "r", v$grp[i]), v$vcov[i], "lme4") }
keep("overall", linear, gaussian(), "all"); keep("by group", linear, gaussian(), "group")
keep("logit overall", logit, binomial(), "all"); keep("logit by cell", logit, binomial(), "cell")
lme("overall", "all"); lme("by group", "group")
write.csv(do.call(rbind, rows), "mixed_weighted.csv", row.names = FALSE)
