#include "remote_file_system.h"

#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/vfs.h>

/* linux/magic.h learned these one by one; the numbers are the kernel's. */
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif
#ifndef CEPH_SUPER_MAGIC
#define CEPH_SUPER_MAGIC 0x00c36400
#endif
#ifndef OCFS2_SUPER_MAGIC
#define OCFS2_SUPER_MAGIC 0x7461636f
#endif

/* Of no header. */
enum { LUSTRE_MAGIC = 0x0bd00bd0, GFS2_MAGIC = 0x01161970, VBOX_MAGIC = 0x786f4256 };

static const struct {
    unsigned type;
    const char *name;
} table[] = {
    {NFS_SUPER_MAGIC, "nfs"},   {FUSE_SUPER_MAGIC, "fuse"}, {V9FS_MAGIC, "9p"},         {SMB_SUPER_MAGIC, "smb"},
    {CIFS_SUPER_MAGIC, "cifs"}, {SMB2_SUPER_MAGIC, "smb2"}, {CEPH_SUPER_MAGIC, "ceph"}, {AFS_SUPER_MAGIC, "afs"},
    {AFS_FS_MAGIC, "afs"},      {CODA_SUPER_MAGIC, "coda"}, {LUSTRE_MAGIC, "lustre"},   {OCFS2_SUPER_MAGIC, "ocfs2"},
    {GFS2_MAGIC, "gfs2"},       {VBOX_MAGIC, "vboxsf"},
};

const char *remote_file_system(const struct statfs *fs)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].type == (unsigned)fs->f_type)
            return table[i].name;
    return NULL;
}

const char *remote_file_system_name(const char *type)
{
    static const char *const others[] = {"nfs4", "fuseblk", "virtiofs", "smb3", "autofs"};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(type, table[i].name) == 0 || (strncmp(type, "fuse.", 5) == 0 && table[i].type == FUSE_SUPER_MAGIC))
            return table[i].name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(type, others[i]) == 0)
            return others[i];
    return NULL;
}
