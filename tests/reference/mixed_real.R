# Mixed models on real data: lme4's numbers (random slopes, nested and crossed factors, weights, binomial). Run in this folder:
# Rscript mixed_real.R DATA (the folder that holds hsb82, bh1996, univbct, wagepan_union, univer_2002, verbagg). Takes five minutes.
# Last made 2026-11-28. Writes mixed_real.csv (model, quantity, term, value, source) and mixed_cbpp.csv (lme4::cbpp).
# Data: text columns become factors, levels sorted byte by byte, the first the reference; rows with a blank in a used column go.
# Terms: "covariance" FACTOR:col1,col2 (a variance where col1 = col2, else each pair once, in the formula's order) and residual;
# "effect FACTOR" and "effect_sd FACTOR" level,col; a factor of more than 60 levels keeps its first 20, sorted as text.
suppressMessages({library(lme4); library(lmerTest)}); options(warn = 1); invisible(Sys.setlocale("LC_ALL", "C"))
home <- commandArgs(TRUE)[1]; rows <- list(); last <- NULL; se <- function(v) sqrt(diag(as.matrix(v)))
from <- paste0("R ", getRversion(), ", lme4 ", packageVersion("lme4"), ", lmerTest ", packageVersion("lmerTest"))
put <- function(model, quantity, term, value, source = from) rows[[length(rows) + 1]] <<-
  data.frame(model, quantity, term, value = sprintf(if (grepl("^log", quantity)) "%.15g" else "%.12g", value), source)
data <- function(folder, file, factors) { d <- read.csv(file.path(home, folder, file), stringsAsFactors = TRUE)
  for (f in factors) d[[f]] <- factor(as.character(d[[f]]), levels = sort(unique(as.character(d[[f]])), method = "radix")); d }
# lme4's own stops leave 1e-4..1e-6 of a standard error in theta, and bobyqa cannot see below the square root of the deviance's
# rounding. So bobyqa goes near, then Newton steps by Richardson differences of a fifth of a standard error in directions that are
# uncorrelated (whiten), which leave 2e-8 of one or less. A theta on its bound (singular) stays there and only the others move.
# glmer's deviance takes its log-determinant from the weights before the last step of the modes, so it jumps by 1e-9 and more where
# the number of steps changes: it is called twice, the second time from the modes that the first has found (lp0).
by <- list(eps = .2, d = .1, r = 4, zero.tol = 1)
hessian <- function(f, x, S) numDeriv::hessian(function(s) f(x + c(S %*% s)), 0 * x, method.args = by)
whiten <- function(f, x) { u <- rep(1e-3, length(x)); fx <- f(x)
  for (pass in 1:2) u <- sapply(seq_along(x), function(i) { h <- replace(0 * x, i, u[i])
    .1 * u[i] * sqrt(2 / max(f(x + h) + f(x - h) - 2 * fx, 1e-6)) })
  U <- 10 * diag(u, length(u)); U %*% t(chol(2 * solve(hessian(f, x, U)))) }
polished <- function(fn, par, lower, upper, control) {
  e <- environment(fn); once <- fn; lp0 <- e$lp0
  if (!is.null(e$lp0)) fn <- function(p) { once(p); e$lp0 <- e$resp$eta - e$baseOffset; once(p) }
  o <- minqa::bobyqa(par, fn, lower, rep(Inf, length(par)), control = list(rhobeg = .02, rhoend = 1e-8, maxfun = 1e5))
  x <- o$par; free <- x > lower + 1e-4; at <- function(z) fn(replace(x, free, z)); z <- x[free]
  S <- whiten(at, z); step <- 1; k <- 0
  while (any(abs(step) > 1e-8) && k < 8) { k <- k + 1  # the deviance's Hessian in these directions is 2 times the identity
    step <- -numDeriv::grad(function(s) at(z + c(S %*% s)), 0 * z, method.args = by) / 2; z <- z + c(S %*% step) }
  x <- replace(x, free, z); own <- NULL
  if (!is.null(lp0)) { e$lp0 <- lp0; own <- lme4:::deriv12(once, x)$Hessian; fn(x) }  # as glmer itself has it, for std_error_lme4
  last <<- list(own = own, cov = S %*% solve(hessian(at, z, S) / 2, t(S)), step = max(abs(step)), bound = sum(!free), tries = k)
  list(par = x, fval = at(z), feval = o$feval, conv = 0, message = o$msg) }
tight <- lmerControl(optimizer = "polished", calc.derivs = FALSE)
# tolPwrss: its default, 1e-7, makes the jumps far greater, 1e-13 fails. Derivatives are put in by keep_glm.
tight_glm <- glmerControl(optimizer = c("bobyqa", "polished"), optCtrl = list(rhoend = 1e-9), tolPwrss = 1e-12, calc.derivs = FALSE)
common <- function(name, m, sd) {  # FALSE when singular: then the log-likelihood only
  cat(sprintf("%-18s n %5d theta on bound %d, last Newton step %.1e se (%d)%s\n", name, nobs(m), last$bound, last$step, last$tries,
              paste(c("", m@optinfo$conv$lme4$messages, unlist(m@optinfo$warnings)), collapse = "; ")))
  stopifnot(last$step < 1e-6, (last$bound > 0) == isSingular(m))
  put(name, "log_likelihood", "", as.numeric(logLik(m)), if (last$bound) paste0(from, "; singular") else from)
  if (last$bound) return(FALSE)
  for (b in seq_along(VarCorr(m))) { s <- VarCorr(m)[[b]]; t <- rownames(s); factor <- names(m@cnms)[b]  # VarCorr may say school.1
    for (i in seq_along(t)) for (j in i:length(t)) put(name, "covariance", sprintf("%s:%s,%s", factor, t[i], t[j]), s[i, j]) }
  if (isLMM(m)) put(name, "covariance", "residual", sigma(m)^2)
  e <- ranef(m, condVar = sd)
  for (f in names(e)) { p <- attr(e[[f]], "postVar")
    l <- sort(rownames(e[[f]]), method = "radix"); if (length(l) > 60) l <- l[1:20]
    for (i in l) for (k in seq_along(e[[f]])) { term <- paste0(i, ",", names(e[[f]])[k])
      put(name, paste("effect", f), term, e[[f]][i, k])
      if (sd) put(name, paste("effect_sd", f), term, sqrt(p[k, k, match(i, rownames(e[[f]]))])) } }
  TRUE }
# "df" is lmerTest's own, whose difference steps leave up to 1e-4 (relative); "df_fine" the same Satterthwaite formula from
# lmerTest's functions with the steps above, good to 1e-7. Kenward-Roger (pbkrtest) needs no differences.
keep <- function(name, m, sd = FALSE, kr = FALSE) {
  force(m); if (!common(name, m, sd)) return(invisible())
  f <- update(m, devFunOnly = TRUE); x <- unname(c(getME(m, "theta"), sigma(m))); v <- diag(as.matrix(vcov(m)))
  dev <- function(p) lmerTest:::devfun_vp(p, f, isREML(m)); S <- whiten(dev, x)
  J <- numDeriv::jacobian(function(s) diag(lmerTest:::get_covbeta(x + c(S %*% s), f)), 0 * x, method.args = by)
  fine <- 2 * v^2 / rowSums((J %*% (2 * solve(hessian(dev, x, S)))) * J)
  s <- coef(summary(m)); for (i in seq_along(fine)) { t <- rownames(s)[i]; put(name, "estimate", t, s[t, "Estimate"])
    put(name, "std_error", t, s[t, "Std. Error"]); put(name, "df", t, s[t, "df"]); put(name, "df_fine", t, fine[i]) }
  if (kr) { s <- coef(summary(m, ddf = "Kenward-Roger")); how <- paste0(from, ", pbkrtest ", packageVersion("pbkrtest"))
    for (t in rownames(s)) { put(name, "std_error_kr", t, s[t, "Std. Error"], how); put(name, "df_kr", t, s[t, "df"], how) } } }
# glmer's own Hessian is a plain difference with step 1e-4 of a deviance that jumps and is rounded: errors up to 6e-4. So
# "std_error" is vcov(use.hessian = TRUE) with polished's Hessian put in its place, "std_error_lme4" the same with glmer's own, and
# "std_error_rx" use.hessian = FALSE (theta taken as known). With nAGQ > 1 glmer's logLik leaves out the saturated model's part,
# which is not 0 for counts: "log_likelihood_full" has it and may be compared with nAGQ = 1.
keep_glm <- function(name, m, sd = FALSE) {
  force(m); if (!common(name, m, sd)) return(invisible())
  y <- m@resp$y; n <- m@resp$weights; full <- dbinom(round(y * n), n, y, log = TRUE)
  if (m@devcomp$dims["nAGQ"] > 1) put(name, "log_likelihood_full", "", as.numeric(logLik(m)) + sum(full))
  m@optinfo$derivs <- list(Hessian = last$own); own <- se(vcov(m, use.hessian = TRUE))
  m@optinfo$derivs$Hessian <- 2 * solve(last$cov); fine <- se(vcov(m, use.hessian = TRUE))
  rx <- suppressWarnings(se(vcov(m, use.hessian = FALSE)))  # warns that the two differ
  for (t in names(fixef(m))) { put(name, "estimate", t, fixef(m)[[t]]); put(name, "std_error", t, fine[[t]])
    put(name, "std_error_lme4", t, own[[t]]); put(name, "std_error_rx", t, rx[[t]]) } }
profiled <- function(name, m) {  # 24 points to a cutoff: at the default 8 the spline between them is off by up to 1e-5
  i <- confint(profile(m, signames = FALSE, delta.cutoff = 1 / 24)); how <- paste0(from, "; ML profile, 95%, SD scale")
  for (t in rownames(i)) { put(name, "profile_low", t, i[t, 1], how); put(name, "profile_high", t, i[t, 2], how) } }
fit <- function(d, f, ...) for (k in names(f))
  keep(k, do.call(lmer, list(f[[k]], as.name(d), REML = !grepl("_ml$", k), control = tight)), ...)
first <- function(d, f, n) droplevels(d[d[[f]] %in% levels(d[[f]])[1:n], ])  # the first n of a factor's levels, sorted as text

hsb <- data("hsb82", "Hsb82.csv", "school"); hsb$w <- rep_len(c(.5, 1, 2, 4), nrow(hsb))  # by the row's place in the file
slope <- mAch ~ cses + (1 + cses | school); apart <- mAch ~ cses + (1 + cses || school); hsb_small <- first(hsb, "school", 30)
fit("hsb", list(hsb_null = mAch ~ 1 + (1 | school), hsb_slope = slope, hsb_slope_ml = slope, hsb_apart = apart,
  hsb_apart_ml = apart, hsb_sector = mAch ~ cses * sector + meanses + (1 + cses | school),
  hsb_published = mAch ~ meanses * cses + sector * cses + (1 + cses | school),
  hsb_dummy = mAch ~ sx + (1 + sx | school), hsb_two = mAch ~ sx + cses + (1 + cses + sx | school)))
keep("hsb_weighted", lmer(slope, hsb, weights = w, control = tight))
keep("hsb_weighted_ml", lmer(slope, hsb, weights = w, REML = FALSE, control = tight))
fit("hsb_small", list(hsb_small = slope), sd = TRUE, kr = TRUE)
bh <- data("bh1996", "bh1996.csv", "GRP")
fit("bh", list(bh_null = WBEING ~ 1 + (1 | GRP), bh_cohes = COHES ~ 1 + (1 | GRP), bh_hours = WBEING ~ HRS + G.HRS + (1 | GRP),
  bh_leader = WBEING ~ HRS + LEAD + G.HRS + (1 + LEAD | GRP), bh_crosslevel = WBEING ~ HRS + LEAD * G.HRS + (1 + LEAD | GRP),
  bh_three = WBEING ~ HRS + LEAD + (1 + HRS + LEAD | GRP)))
bct <- data("univbct", "univbct.csv", c("SUBNUM", "BTN", "COMPANY")); grow <- JSAT ~ TIME + (1 + TIME | SUBNUM)
fit("bct", list(bct_null = JSAT ~ 1 + (1 | SUBNUM), bct_growth_ml = grow, bct_battalion = update(grow, . ~ . + (1 | BTN)),
  bct_crossed = update(grow, . ~ . + (1 | BTN) + (1 | COMPANY)), bct_nested = update(grow, . ~ . + (1 | BTN) + (1 | BTN:COMPANY))))
fit("bct", list(bct_growth = grow), sd = TRUE, kr = TRUE)
fit("bct", list(ready_nested = READY ~ TIME + (1 + TIME | SUBNUM) + (1 | BTN) + (1 | BTN:COMPANY)), kr = TRUE)
wage <- data("wagepan_union", "wagepan.csv", c("nr", "year")); few <- first(wage, "nr", 60)
paid <- lwage ~ exper + expersq + married + union + (1 | nr) + (1 | year)
fit("wage", list(wage = paid, wage_ml = paid)); fit("few", list(wage_small = paid), sd = TRUE, kr = TRUE)
univer <- data("univer_2002", "univer.csv", "faculty")
fit("univer", list(univer = global ~ informat + willingn + officeho + compete + (1 | faculty)), sd = TRUE)
profiled("bct_growth_ml", lmer(grow, bct, REML = FALSE, control = tight))
profiled("wage_ml", lmer(paid, wage, REML = FALSE, control = tight))

logit <- function(name, f, d, sd = FALSE, q = 1) keep_glm(name, glmer(f, d, binomial, nAGQ = q, control = tight_glm), sd)
write.csv(cbpp[c("herd", "incidence", "size", "period")], "mixed_cbpp.csv", row.names = FALSE, quote = FALSE)
for (q in c(1, 9, 25)) logit(paste0("cbpp_", q), cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, TRUE, q)
verb <- data("verbagg", "VerbAgg.csv", c("id", "item")); verb$yes <- as.integer(verb$r2 == "Y")
cells <- function(by) { d <- aggregate(cbind(yes = verb$yes, n = 1), verb[by], sum); d$no <- d$n - d$yes; d }
logit("verb_items", yes ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), verb, TRUE)
logit("verb_situ", yes ~ Anger + Gender + btype + situ + (1 + situ | id) + (1 | item), verb)
for (q in c(1, 9)) logit(paste0("verb_id_", q), yes ~ Gender + btype + situ + (1 | id), verb, q = q)
# "_counts" has cells of yes and no in place of rows: the log-likelihood moves by the binomial coefficients, all else is the same.
four <- cells(c("id", "Gender", "btype", "situ")); items <- cells(c("item", "Gender", "btype", "situ"))
within <- yes ~ Gender + btype + situ + (1 | id) + (1 | id:situ); slope <- yes ~ Gender + btype + situ + (1 + situ | id)
logit("verb_cells", within, verb); logit("verb_cells_counts", update(within, cbind(yes, no) ~ .), four)
logit("verb_slope", slope, verb); logit("verb_slope_counts", update(slope, cbind(yes, no) ~ .), four)
dif <- yes ~ Gender + btype + situ + (1 + Gender | item); one <- yes ~ Gender + btype + situ + (1 | item)
logit("verb_dif", dif, verb); logit("verb_item", one, verb); logit("verb_item_counts", update(one, cbind(yes, no) ~ .), items)
write.csv(do.call(rbind, rows), "mixed_real.csv", row.names = FALSE)
