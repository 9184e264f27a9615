"""The bridge to the region's platform, whose interface is not public: what is said how is data. See README.md."""
