dnl SPDX-License-Identifier: Apache-2.0
dnl ORC_PKG(NAME, MODULE, DEBIAN-PACKAGE): a required library.
AC_DEFUN([ORC_PKG], [
PKG_CHECK_MODULES([$1], [$2], [],
  [AC_MSG_ERROR([$2 is missing (Debian: $3)])])])

dnl The warnings the code is kept clean of; --enable-werror for CI.
AC_DEFUN([ORC_WARNINGS], [
AC_ARG_ENABLE([werror],
  [AS_HELP_STRING([--enable-werror], [treat warnings as errors])])
ORC_WARN_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla"
AS_IF([test "x$enable_werror" = xyes],
  [ORC_WARN_CFLAGS="$ORC_WARN_CFLAGS -Werror"])
AC_SUBST([ORC_WARN_CFLAGS])])

dnl --enable-sanitizers=address,undefined or =thread.
AC_DEFUN([ORC_SANITIZERS], [
AC_ARG_ENABLE([sanitizers],
  [AS_HELP_STRING([--enable-sanitizers=LIST],
    [build with sanitizers, for example address,undefined or thread])])
AS_IF([test -n "$enable_sanitizers" && test "x$enable_sanitizers" != xno], [
  orc_sanitizers="$enable_sanitizers"
  ORC_SAN_CFLAGS="-fsanitize=$enable_sanitizers -fno-omit-frame-pointer -fno-sanitize-recover=undefined"
  AS_CASE([$enable_sanitizers], [*thread*], [orc_tsan=yes])])
AC_SUBST([ORC_SAN_CFLAGS])
AM_CONDITIONAL([TSAN], [test "x$orc_tsan" = xyes])])

dnl --enable-fuzz: libFuzzer targets, clang only.
AC_DEFUN([ORC_FUZZ], [
AC_ARG_ENABLE([fuzz],
  [AS_HELP_STRING([--enable-fuzz], [build the fuzz targets (needs clang)])])
AS_IF([test "x$enable_fuzz" = xyes], [
  AC_MSG_CHECKING([whether $CC has libFuzzer])
  orc_save="$CFLAGS"
  CFLAGS="$CFLAGS -fsanitize=fuzzer"
  AC_LINK_IFELSE([AC_LANG_SOURCE([[
    #include <stddef.h>
    #include <stdint.h>
    int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
    int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
    { (void)p; (void)n; return 0; }]])],
    [AC_MSG_RESULT([yes]); orc_fuzz=yes],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([--enable-fuzz needs CC=clang (Debian: clang, libclang-rt-14-dev)])])
  CFLAGS="$orc_save"
  dnl What the targets link must be instrumented too.
  ORC_SAN_CFLAGS="$ORC_SAN_CFLAGS -fsanitize=fuzzer-no-link"])
AM_CONDITIONAL([FUZZ], [test "x$enable_fuzz" = xyes])])
