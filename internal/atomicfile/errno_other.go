//go:build !windows

package atomicfile

import "syscall"

// errQuota is the error number of an exhausted quota.
const errQuota = syscall.EDQUOT
