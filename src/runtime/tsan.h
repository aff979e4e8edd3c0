/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ck's atomics are inline assembly, which ThreadSanitizer does not see: tell it
 * where one thread hands something over to another through ck.
 */
#ifndef ORC_RUNTIME_TSAN_H
#define ORC_RUNTIME_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define ORC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ORC_TSAN 1
#endif
#endif

#ifdef ORC_TSAN
void __tsan_acquire(void *p);
void __tsan_release(void *p);
#define TSAN_ACQUIRE(p) __tsan_acquire(p)
#define TSAN_RELEASE(p) __tsan_release(p)
#else
#define TSAN_ACQUIRE(p) ((void)(p))
#define TSAN_RELEASE(p) ((void)(p))
#endif

#endif
