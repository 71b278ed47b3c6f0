package fill

// Cut returns opts with segments of so many words and masks of so many
// elements.
func (o Options) Cut(segment, mask int64) Options {
	o.segment, o.mask = segment, mask
	return o
}
