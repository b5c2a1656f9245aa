/*
 * Preloaded before a process, this records what a power loss at any moment could leave behind. It watches the files of one folder:
 * WATCH_FOLDER. Each time one of them is synced, CRASH_FOLDER gets a new folder N with `live` (all files as the process sees them
 * just before that sync) and `synced` (each file as it was at its own last sync). Any mixture of the two, sector by sector, is what a
 * disk may hold when the power fails there. A file that was deleted may come back until the folder itself is synced. With LYING_DISK=1
 * no sync counts: the checks have to notice.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int crashes = 0;

static void copy_file(const char *from, const char *to) {
  char buffer[65536];
  ssize_t count;
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (in < 0 || out < 0) abort();
  while ((count = read(in, buffer, sizeof buffer)) > 0)
    if (write(out, buffer, count) != count) abort();
  close(in);
  close(out);
}

static void copy_folder(const char *from, const char *to) {
  char source[PATH_MAX], target[PATH_MAX];
  struct dirent *entry;
  DIR *folder = opendir(from);
  mkdir(to, 0700);
  if (folder == NULL) return;
  while ((entry = readdir(folder)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
    snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
    copy_file(source, target);
  }
  closedir(folder);
}

/* The watched file behind a descriptor, or NULL. */
static const char *watched(int descriptor, char path[PATH_MAX]) {
  char link[64];
  const char *folder = getenv("WATCH_FOLDER");
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (folder == NULL || length < 0) return NULL;
  path[length] = 0;
  size_t prefix = strlen(folder);
  return strncmp(path, folder, prefix) == 0 && path[prefix] == '/' ? path + prefix + 1 : NULL;
}

static void before_sync(int descriptor) {
  char path[PATH_MAX], crash[PATH_MAX], part[PATH_MAX + 16];
  const char *root = getenv("CRASH_FOLDER");
  if (root == NULL || watched(descriptor, path) == NULL) return;
  snprintf(crash, sizeof crash, "%s/%d", root, crashes++);
  mkdir(crash, 0700);
  snprintf(part, sizeof part, "%s/live", crash);
  copy_folder(getenv("WATCH_FOLDER"), part);
  char synced[PATH_MAX];
  snprintf(synced, sizeof synced, "%s/synced", root);
  snprintf(part, sizeof part, "%s/synced", crash);
  copy_folder(synced, part);
}

/* What was deleted before the folder was synced does not come back. */
static void forget_deleted(const char *folder, const char *root) {
  char kept[PATH_MAX], live[PATH_MAX];
  struct dirent *entry;
  snprintf(kept, sizeof kept, "%s/synced", root);
  DIR *synced = opendir(kept);
  if (synced == NULL) return;
  while ((entry = readdir(synced)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    snprintf(live, sizeof live, "%s/%s", folder, entry->d_name);
    snprintf(kept, sizeof kept, "%s/synced/%s", root, entry->d_name);
    if (access(live, F_OK) != 0) unlink(kept);
  }
  closedir(synced);
}

static void after_sync(int descriptor) {
  char path[PATH_MAX] = "", synced[PATH_MAX];
  const char *root = getenv("CRASH_FOLDER");
  const char *name = watched(descriptor, path);
  if (root == NULL || getenv("WATCH_FOLDER") == NULL || getenv("LYING_DISK") != NULL) return;
  if (strcmp(path, getenv("WATCH_FOLDER")) == 0) forget_deleted(path, root);
  if (name == NULL) return;
  snprintf(synced, sizeof synced, "%s/synced", root);
  mkdir(synced, 0700);
  snprintf(synced, sizeof synced, "%s/synced/%s", root, name);
  copy_file(path, synced);
}

static int sync_with(const char *function, int descriptor) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, function);
  before_sync(descriptor);
  int result = real(descriptor);
  after_sync(descriptor);
  return result;
}

int fsync(int descriptor) { return sync_with("fsync", descriptor); }
int fdatasync(int descriptor) { return sync_with("fdatasync", descriptor); }
