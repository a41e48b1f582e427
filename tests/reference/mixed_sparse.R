# Crossed factors of many levels that seldom meet, seeded: data and lme4's numbers. Run in this folder: Rscript mixed_sparse.R
# Last made 2026-11-28.
# Writes mixed_sparse_data.csv (the sample) and mixed_sparse.csv (model, quantity, term, value).
suppressMessages({library(lme4); library(lmerTest)})
set.seed(20261128)
n <- 4200
d <- data.frame(person = sprintf("p%04d", sample(1800, n, TRUE)), school = sprintf("s%04d", sample(1500, n, TRUE)), x = round(rnorm(n), 2))
p <- setNames(rnorm(1800, 0, .7), sprintf("p%04d", 1:1800)); s <- setNames(rnorm(1500, 0, .6), sprintf("s%04d", 1:1500))
b <- setNames(rnorm(1500, 0, .3), sprintf("s%04d", 1:1500))
d$y <- round(3 + .4 * d$x + p[d$person] + s[d$school] + b[d$school] * d$x + rnorm(n, 0, .9), 3)
write.csv(d, "mixed_sparse_data.csv", row.names = FALSE, quote = FALSE)
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6), calc.derivs = FALSE)
rows <- list()
put <- function(model, quantity, term, value) rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, value = sprintf("%.12g", value))
keep <- function(name, m, df) {
  put(name, "log_likelihood", "", as.numeric(logLik(m)))
  v <- as.data.frame(VarCorr(m)); v <- v[is.na(v$var2), ]
  for (i in seq_len(nrow(v))) put(name, "variance", paste(sub("[.]1$", "", v$grp[i]), ifelse(is.na(v$var1[i]), "", v$var1[i])), v$vcov[i])
  s <- coef(summary(m, ddf = if (df) "Satterthwaite" else "lme4"))
  for (t in rownames(s)) { put(name, "estimate", t, s[t, "Estimate"]); put(name, "std_error", t, s[t, "Std. Error"])
    if (df) put(name, "df", t, s[t, "df"]) }
  e <- ranef(m, condVar = FALSE); for (f in names(e))
    for (l in 1:20) put(name, paste("effect", f), rownames(e[[f]])[l], e[[f]][l, 1])
}
keep("reml", lmer(y ~ x + (1 | person) + (1 | school), d, control = tight), TRUE)
keep("slope", lmer(y ~ x + (1 | person) + (1 + x | school), d, REML = FALSE, control = tight), FALSE)
out <- do.call(rbind, rows)
out$source <- paste0("R ", getRversion(), ", lme4 ", packageVersion("lme4"), ", lmerTest ", packageVersion("lmerTest"))
write.csv(out, "mixed_sparse.csv", row.names = FALSE)
