// The standard normal distribution where others lose their digits: far out in the tails.
#ifndef TUNERD_COORDINATOR_SEARCH_GP_NORMAL_H
#define TUNERD_COORDINATOR_SEARCH_GP_NORMAL_H

// log h(z), h(z) = phi(z) + z Phi(z): expected improvement is sigma h((best - mu) / sigma). *cdf and
// *pdf: Phi/h and phi/h, its derivatives' factors. Relative error of h below 1e-14 for -1e6 < z < 40.
// For z <= -5 by the continued fraction of Mills' ratio, where nothing cancels (Ament et al. 2023
// treat the same loss by other means).
double normal_log_improvement(double z, double *cdf, double *pdf);

// log Phi(z), and *slope = phi(z) / Phi(z).
double normal_log_cdf(double z, double *slope);

// Inverse of Phi, 0 < p < 1 (Wichura 1988, AS 241, PPND16).
double normal_quantile(double p);

#endif
