# The area-level model: metafor's fits, and plain matrices for what metafor does not have. Run in this folder:
# Rscript small_area.R FOLDER_OF_MILK. Last made 2026-11-28. Writes small_area.csv (data, method, quantity, key, value, source)
# and small_area_data.csv (made by arithmetic: `wide` with very unequal errors and a refvar next to zero, `none` where it is 0).
suppressMessages(library(metafor))
folder <- commandArgs(TRUE)[1]; rows <- list()
put <- function(data, method, quantity, key, value, source) rows[[length(rows) + 1]] <<-
  data.frame(data, method, quantity, key = as.character(key), value = sprintf("%.12g", value), source)
from <- paste0("R ", getRversion(), ", metafor ", packageVersion("metafor"))
plain <- paste0("R ", getRversion(), ", written out")

i <- 1:30; x <- (7 * i) %% 11 / 2; kind <- c("p", "q", "r")[1 + (i * i) %% 3 + (i > 24)]; kind[kind == "q" & i %% 2 == 0] <- "r"
d <- round(.05 * 1.17^((5 * i) %% 30), 4)
e <- (((i * 37) %% 61) - 30) / 30 * sqrt(3)                           # spread about 1
wide <- data.frame(data = "wide", area = i, y = round(2 + .3 * x + .5 * (kind == "r") + 1.06 * e * sqrt(d), 4), d, x, kind)
none <- transform(wide, data = "none", y = round(2 + .3 * x + .5 * (kind == "r") + .6 * e * sqrt(d), 4))
write.csv(rbind(wide, none), "small_area_data.csv", row.names = FALSE)

half <- function(m) (m + t(m)) / 2
model <- function(name, y, d, X, new) {
  m <- length(y); p <- ncol(X)
  parts <- function(A) { Vi <- diag(1 / (A + d)); M <- solve(half(t(X) %*% Vi %*% X)); P <- Vi - Vi %*% X %*% M %*% t(X) %*% Vi
    list(Vi = Vi, M = M, P = P, b = M %*% t(X) %*% Vi %*% y) }
  like <- function(A, restricted) { q <- parts(A); -.5 * (sum(log(A + d)) + as.numeric(t(y) %*% q$P %*% y) + restricted * log(det(half(t(X) %*% q$Vi %*% X)))) }
  yl <- function(A) log(atan(sum(A / (A + d)))) / m
  top <- function(f) { g <- exp(seq(log(1e-7), log(10 * var(y)), length.out = 4000)); k <- which.max(sapply(g, f))
    optimize(f, g[c(max(1, k - 1), min(4000, k + 1))], maximum = TRUE, tol = 1e-13)$maximum }
  blup_of <- function(A) { q <- parts(A); s <- X %*% q$b; as.numeric(s + A / (A + d) * (y - s)) }
  # the error's parts from whole matrices: b_i' y is the linear predictor of area i at known A and coefficients
  mse <- function(A, bias, spread) { q <- parts(A); V <- diag(A + d); h <- 1e-4 * min(A + d)
    L <- function(a) a * solve(diag(a + d)) ; slope <- (L(A + h) - L(A - h)) / (2 * h)
    g1 <- diag(A * diag(m) - A * q$Vi * A); r <- (diag(m) - A * q$Vi) %*% X
    g1 + diag(r %*% q$M %*% t(r)) + 2 * spread * diag(slope %*% V %*% t(slope)) - bias * (d / (A + d))^2 }
  tell <- function(method, A, source) {
    q <- parts(A); v2 <- sum((A + d)^-2); ml <- method %in% c("ml", "ampl_yl")
    bias <- if (ml) sum(diag(q$P - q$Vi)) / v2 else 0
    spread <- if (method == "pr") 2 / m^2 * sum((A + d)^2) else 2 / v2
    put(name, method, "refvar", "", A, source)
    e <- mse(A, bias, spread); b <- blup_of(A)
    for (k in seq_len(m)) { put(name, method, "mse", k, e[k], plain); if (source == plain) put(name, method, "eblup", k, b[k], plain) }
    if (!is.null(new)) put(name, method, "mse", "new", A + as.numeric(new %*% q$M %*% new) - bias, plain)
    if (source == plain) for (k in seq_len(p)) { put(name, method, "beta", k, q$b[k], plain); put(name, method, "beta_se", k, sqrt(q$M[k, k]), plain) } }
  for (method in c("reml", "ml", "pr")) {
    f <- rma.uni(y, d, mods = X, intercept = FALSE, method = c(reml = "REML", ml = "ML", pr = "HE")[[method]], control = list(threshold = 1e-15, maxiter = 10000))
    tell(method, f$tau2, from)
    for (k in seq_len(p)) { put(name, method, "beta", k, f$beta[k], from); put(name, method, "beta_se", k, f$se[k], from) }
    b <- blup(f); z <- rstandard(f)$z; for (k in seq_len(m)) { put(name, method, "eblup", k, b$pred[k], from); put(name, method, "residual", k, z[k], from) }
    if (method != "pr") { put(name, method, "log_likelihood", "", as.numeric(logLik(f)), from); put(name, method, "refvar_se", "", f$se.tau2, from) }
    if (method == "reml") { put(name, method, "q", "", f$QE, from); put(name, method, "q_p", "", f$QEp, from)
      if (f$QE >= qchisq(.025, m - p)) { ends <- confint(f, control = list(tol = 1e-13, maxiter = 10000))$random[1, ]; put(name, method, "refvar_low", "", ends[["ci.lb"]], from); put(name, method, "refvar_high", "", ends[["ci.ub"]], from) } }
    if (!is.null(new)) put(name, method, "eblup", "new", sum(new * f$beta), from) }
  for (method in c("amrl_yl", "ampl_yl")) tell(method, top(function(A) like(A, method == "amrl_yl") + yl(A)), plain) }

milk <- read.csv(file.path(folder, "milk.csv")); X <- model.matrix(~ factor(MajorArea), milk)
model("milk", milk$yi, milk$SD^2, unname(X), c(1, 0, 1, 0))
for (one in list(wide, none)) model(one$data[1], one$y, one$d, unname(model.matrix(~ x + kind, one)), c(1, 9, 0, 1))

# Scoring steps from the middle of the sampling variances until A moves by less than a ten thousandth of itself: where R's sae stops
y <- milk$yi; d <- milk$SD^2; A <- median(d); gone <- 1
while (gone > 1e-4) { Vi <- diag(1 / (A + d)); P <- Vi - Vi %*% X %*% solve(t(X) %*% Vi %*% X) %*% t(X) %*% Vi
  s <- as.numeric(-.5 * sum(diag(P)) + .5 * t(y) %*% P %*% P %*% y); n <- A + s / (.5 * sum(diag(P %*% P))); gone <- abs(n - A) / A; A <- n }
cat("stopped early:", sprintf("%.8f", A), "\n")
write.csv(do.call(rbind, rows), "small_area.csv", row.names = FALSE)
