use super::draft::Draft;
use super::error::Result;
use super::graph::Value;
use super::resnet::Block;

impl Draft<'_> {
    /// GST: a ResNet of bottlenecks whose middle convolution is a spatial and a spatio-temporal one side by side.
    ///
    /// Kernels of one frame run on images, which runtimes are better prepared for than for volumes; only the
    /// spatio-temporal kernels see volumes.
    pub(super) fn gst(&mut self, layers: &[usize], beta: usize, images: &Value) -> Result<Value> {
        let mut x = self.stem("base_model", images)?;
        for (stage, &blocks) in layers.iter().enumerate() {
            for index in 0..blocks {
                x = self.gst_block(&Block::new("base_model", stage, index, true), beta, &x)?;
            }
        }
        self.consensus(&x)
    }

    fn gst_block(&mut self, block: &Block, beta: usize, x: &Value) -> Result<Value> {
        let y = self.conv_norm_relu(x, &block.name("conv1"), &block.name("bn1"), 1)?;
        let y = self.space_and_time(block, beta, &y)?;
        let y = self.conv_norm(&y, &block.name("conv3"), &block.name("bn3"), 1)?;
        self.join(block, &y, x, x)
    }

    /// The two paths, joined and rectified; each takes its part of the norm they share.
    fn space_and_time(&mut self, block: &Block, beta: usize, y: &Value) -> Result<Value> {
        let (space, time) = (self.weights.filter(&block.name("conv2"))?, self.weights.filter(&block.name("Tconv"))?);
        let split = space.channels_out();
        let channels = split + time.channels_out();
        let norm = self.weights.norm(&block.name("bn2"), channels)?;
        let (space, time) = (space.then(&norm.of(0..split)), time.then(&norm.of(split..channels)));
        let half = y.channels / 2;
        let (seen_in_space, seen_in_time) = match beta {
            1 => (y.clone(), y.clone()),
            _ => (self.graph.channels(y, 1, [0, half]), self.graph.channels(y, 1, [half, y.channels])),
        };
        let space = self.graph.conv(&seen_in_space, &space.for_images()?, block.stride)?;
        let volumes = self.graph.volumes_of_images(&seen_in_time, self.frames);
        let volumes = self.graph.conv(&volumes, &time, block.stride)?;
        let time = self.graph.images_of_volumes(&volumes);
        let joined = self.graph.concat(&[&space, &time], 1);
        Ok(self.graph.relu(&joined))
    }
}
