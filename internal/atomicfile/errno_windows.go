package atomicfile

import "golang.org/x/sys/windows"

// errQuota is the error number of an exhausted quota.
const errQuota = windows.ERROR_DISK_QUOTA_EXCEEDED
