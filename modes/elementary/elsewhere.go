package elementary

// elsewhere describes the schemes that torch.nn.init does not have.
func elsewhere() []row {
	return nil
}
