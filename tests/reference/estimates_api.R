# Design-based numbers on apistrat and ess4_gb with all digits. Run: Rscript estimates_api.R DATA (the folder that holds api_strat and
# ess4_britain). Last made 2026-11-22. Writes estimates_api.csv (case, term, estimate, std_error, source).
suppressMessages(library(survey)); options(survey.lonely.psu = "adjust")
home <- commandArgs(TRUE)[1]
s <- read.csv(file.path(home, "api_strat", "apistrat.csv"))
rows <- list()
put <- function(case, est) rows[[length(rows) + 1]] <<- data.frame(case, term = names(coef(est)), estimate = sprintf("%.15g", coef(est)),
                                                                  std_error = sprintf("%.15g", SE(est)))
d <- svydesign(~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = s)
put("mean", svymean(~api00, d)); put("total", svytotal(~enroll, d)); put("by stype", svyby(~api00, ~stype, d, svymean))
put("by sch.wide", svyby(~api00, ~sch.wide, d, svymean)); put("total by stype", svyby(~enroll, ~stype, d, svytotal))
q <- svyratio(~api.stu, ~enroll, d)
rows[[length(rows) + 1]] <- data.frame(case = "ratio", term = "api.stu", estimate = sprintf("%.15g", coef(q)), std_error = sprintf("%.15g", SE(q)))
put("proportion", svymean(~factor(stype), svydesign(~1, weights = ~pw, data = s))); put("sch.wide", svymean(~factor(sch.wide), d))
m <- svymean(~api00 + api99, d); k <- svycontrast(m, c(api00 = 1, api99 = -1))
rows[[length(rows) + 1]] <- data.frame(case = "change", term = "api00 - api99", estimate = sprintf("%.15g", coef(k)), std_error = sprintf("%.15g", SE(k)))
r <- rake(d, list(~stype, ~sch.wide), list(data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018)),
          data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))), control = list(maxit = 200, epsilon = 1e-10))
put("raked mean", svymean(~api00, r)); put("raked total", svytotal(~enroll, r)); put("raked by stype", svyby(~api00, ~stype, r, svymean))
c1 <- svydesign(~dnum, strata = ~stype, weights = ~pw, data = s, nest = TRUE)
put("clustered mean", svymean(~api00, c1)); put("clustered by sch.wide", svyby(~api00, ~sch.wide, c1, svymean))
e <- read.csv(file.path(home, "ess4_britain", "ess4_gb.csv"))
b <- svydesign(~psu, strata = ~stratval, weights = ~dweight, data = e, nest = TRUE)
for (v in c("gvjbevn", "gvhlthc", "gvslvol")) put("ess item", svymean(reformulate(v), b, na.rm = TRUE))
put("ess listwise", svymean(~gvjbevn + gvhlthc + gvslvol, b, na.rm = TRUE))
put("ess domain", svymean(~gvslvue, subset(b, grepl("Avon", stratval)), na.rm = TRUE))
b <- update(b, one = 1); put("ess total", svytotal(~sbprvpv, b, na.rm = TRUE)); put("ess count", svytotal(~one, b))
out <- do.call(rbind, rows); out$source <- paste0("R ", getRversion(), ", survey ", packageVersion("survey"))
write.csv(out, "estimates_api.csv", row.names = FALSE)
