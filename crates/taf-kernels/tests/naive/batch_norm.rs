/// What the twin of batch norm computes: output, and per channel mean and biased variance.
pub struct Forward {
    pub y: Vec<f64>,
    pub mean: Vec<f64>,
    pub variance: Vec<f64>,
}

/// Training-mode batch norm over `[rows, channels]`, everything in f64.
pub fn forward(x: &[f64], gamma: &[f64], beta: &[f64], residual: Option<&[f64]>, relu: bool, epsilon: f64) -> Forward {
    let channels = gamma.len();
    let rows = (x.len() / channels) as f64;
    let [mut mean, mut variance] = [vec![0.0; channels], vec![0.0; channels]];
    x.iter().enumerate().for_each(|(place, x)| mean[place % channels] += x / rows);
    x.iter()
        .enumerate()
        .for_each(|(place, x)| variance[place % channels] += (x - mean[place % channels]).powi(2) / rows);
    let y = x.iter().enumerate().map(|(place, x)| {
        let c = place % channels;
        let normal = (x - mean[c]) / (variance[c] + epsilon).sqrt() * gamma[c] + beta[c];
        let sum = normal + residual.map_or(0.0, |residual| residual[place]);
        if relu { sum.max(0.0) } else { sum }
    });
    Forward { y: y.collect(), mean, variance }
}
