/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TRANCHE_MAIN_H
#define TRANCHE_MAIN_H

#include <linux/compiler.h>

long tranche_features_get(void __user *arg);

#endif /* TRANCHE_MAIN_H */
