// SPDX-License-Identifier: Apache-2.0
// Programs that encode and decode with franz-go's kmsg, to compare with.
module odradek/kmsg

go 1.26.0

require github.com/twmb/franz-go/pkg/kmsg v1.15.0
