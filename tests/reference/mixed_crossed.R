# Crossed random intercepts, seeded: data and lme4's numbers. Run in this folder: Rscript mixed_crossed.R
# Last made 2026-11-22.
# Writes mixed_crossed_data.csv (the sample) and mixed_crossed.csv (model, quantity, term, value).
suppressMessages({library(lme4); library(lmerTest)})
set.seed(20240517)
n <- 900
d <- data.frame(group = sprintf("g%d", sample(6, n, TRUE, prob = 6:1)), region = sprintf("r%02d", sample(14, n, TRUE)),
                x = round(rnorm(n), 3), sex = sample(c("f", "m"), n, TRUE), w = sample(c(.5, 1, 2, 4), n, TRUE))
g <- setNames(rnorm(6, 0, .5), sprintf("g%d", 1:6)); r <- setNames(rnorm(14, 0, .3), sprintf("r%02d", 1:14))
cells <- unique(paste(d$group, d$region)); gr <- setNames(rnorm(length(cells), 0, .25), cells)
d$y <- round(3 + .4 * d$x - .2 * (d$sex == "m") + g[d$group] + r[d$region] + gr[paste(d$group, d$region)] + rnorm(n, 0, .9), 4)
d$flat <- round(rnorm(n, 2, 1), 4)
write.csv(d, "mixed_crossed_data.csv", row.names = FALSE, quote = FALSE)
tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6), calc.derivs = FALSE)
rows <- list()
put <- function(model, quantity, term, value) rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, value = sprintf("%.12g", value))
keep <- function(name, m) {
  put(name, "log_likelihood", "", as.numeric(logLik(m)))
  v <- as.data.frame(VarCorr(m)); for (i in seq_len(nrow(v))) put(name, "variance", v$grp[i], v$vcov[i])
  s <- coef(summary(m)); for (t in rownames(s)) { put(name, "estimate", t, s[t, "Estimate"]); put(name, "std_error", t, s[t, "Std. Error"])
    put(name, "df", t, s[t, "df"]) }
  e <- ranef(m, condVar = FALSE); for (f in names(e)) for (l in rownames(e[[f]])) put(name, paste0("effect ", f), l, e[[f]][l, 1])
}
full <- y ~ x + sex + (1 | group) + (1 | region) + (1 | group:region)
keep("reml", lmer(full, d, control = tight)); keep("ml", lmer(full, d, REML = FALSE, control = tight))
keep("weighted", lmer(full, d, weights = w, control = tight))
keep("product", lmer(y ~ x * sex + (1 | group) + (1 | region), d, control = tight))
keep("singular", suppressMessages(lmer(flat ~ x + (1 | group) + (1 | region), d, control = tight)))
out <- do.call(rbind, rows)
out$source <- paste0("R ", getRversion(), ", lme4 ", packageVersion("lme4"), ", lmerTest ", packageVersion("lmerTest"))
write.csv(out, "mixed_crossed.csv", row.names = FALSE)
