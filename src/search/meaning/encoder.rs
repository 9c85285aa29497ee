//! The encoder: a text's place in the space of meanings, by the model in `assets/model`. Threads of its own: two for
//! questions, one that stands back for texts, so that a question never waits for a text.

use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, op_registry};

use super::{
    pieces::{self, BEGIN, END, PIECES_MAX, Piece},
    vector::{DIMENSIONS, Vector},
};
use crate::search::stand_back;

const MODEL: &[u8] = include_bytes!("../../../assets/model/minilm.onnx");
/// Names the vectors of this model and this way to keep them: others are made anew.
pub(in crate::search) const MODEL_ID: &str = "minilm-l6-v2.q1.i8";
/// Someone waits for a question: two cores are faster than one, and more are not worth their wake-up.
const QUESTION_THREADS: usize = 2;
/// Rows of word vectors asked for in one run.
const ROWS_AT_ONCE: usize = 256;

/// The model could not be loaded, or failed on a text.
#[derive(Debug, thiserror::Error)]
#[error("the model: {0}")]
pub(in crate::search) struct EncoderError(String);

pub(in crate::search) struct Encoder {
    model: Model,
    ids: NodeId,
    mask: NodeId,
    sentence: NodeId,
    words: NodeId,
    questions: Arc<ThreadPool>,
    texts: Arc<ThreadPool>,
}

/// For what the model is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::search) enum Lane {
    /// Someone waits.
    Question,
    /// Nobody does.
    Text,
}

impl Encoder {
    /// Takes some 50 ms and 40 MB.
    pub(in crate::search) fn load() -> Result<Encoder, EncoderError> {
        let operators = op_registry!(
            Add,
            Cast,
            Concat,
            Div,
            Floor,
            Gather,
            Gelu,
            LayerNormalization,
            MatMul,
            MatMulInteger,
            Max,
            Mul,
            Neg,
            ReduceL2,
            ReduceMax,
            ReduceMin,
            Reshape,
            Shape,
            Slice,
            Softmax,
            Squeeze,
            Sub,
            Transpose,
            Unsqueeze
        );
        let mut options = ModelOptions::with_ops(operators);
        // Without it a short text takes six times as long.
        options.prepack_weights(true);
        let model = options.load_static_slice(MODEL).map_err(failed)?;
        let texts = ThreadPool::with_num_threads(1);
        texts.run(stand_back);
        let node = |name| model.node_id(name).map_err(failed);
        Ok(Encoder {
            ids: node("input_ids")?,
            mask: node("attention_mask")?,
            sentence: node("sentence_embedding")?,
            words: node("word_vectors")?,
            questions: Arc::new(ThreadPool::with_num_threads(QUESTION_THREADS)),
            texts: Arc::new(texts),
            model,
        })
    }

    /// The vector of a text; what it reads of it is bounded.
    pub(in crate::search) fn embed(&self, text: &str, lane: Lane) -> Result<Vector, EncoderError> {
        let mut ids = vec![i32::from(BEGIN)];
        ids.extend(pieces::pieces(text, PIECES_MAX).into_iter().map(i32::from));
        ids.push(i32::from(END));
        let length = ids.len();
        let inputs = vec![
            (self.ids, tensor([1, length], ids)?.into()),
            (self.mask, tensor([1, length], vec![1; length])?.into()),
        ];
        let out = self.run(inputs, self.sentence, lane)?;
        let (_, values) = out.into_shape_vec::<f32, 2>().map_err(failed)?;
        Vector::of(&values).ok_or_else(|| EncoderError("its answer has another width".to_owned()))
    }

    /// The model's own embedding of each piece, of length 1, one after the other.
    pub(in crate::search) fn rows(&self, pieces: &[Piece]) -> Result<Vec<f32>, EncoderError> {
        let mut rows = Vec::with_capacity(pieces.len() * DIMENSIONS);
        for some in pieces.chunks(ROWS_AT_ONCE) {
            let ids = some.iter().copied().map(i32::from).collect();
            let inputs = vec![(self.ids, tensor([1, some.len()], ids)?.into())];
            let out = self.run(inputs, self.words, Lane::Question)?;
            rows.extend(out.into_shape_vec::<f32, 3>().map_err(failed)?.1);
        }
        Ok(rows)
    }

    fn run(
        &self,
        inputs: Vec<(NodeId, rten::ValueOrView<'_>)>,
        output: NodeId,
        lane: Lane,
    ) -> Result<Value, EncoderError> {
        let pool = match lane {
            Lane::Question => &self.questions,
            Lane::Text => &self.texts,
        };
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let [out] = self.model.run_n(inputs, [output], Some(options)).map_err(failed)?;
        Ok(out)
    }
}

fn tensor(shape: [usize; 2], ids: Vec<i32>) -> Result<Value, EncoderError> {
    Value::from_shape(shape, ids).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> EncoderError {
    EncoderError(error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::*;

    fn reference() -> Json {
        serde_json::from_str(include_str!("../../../tests/data/model-vectors.json")).unwrap()
    }

    #[test]
    fn text_becomes_the_pieces_of_the_recipe() {
        for text in reference()["texts"].as_array().unwrap() {
            let expected: Vec<u64> =
                text["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap()).collect();
            let mut ids = vec![u64::from(BEGIN)];
            ids.extend(pieces::pieces(text["text"].as_str().unwrap(), PIECES_MAX).into_iter().map(u64::from));
            ids.push(u64::from(END));
            assert_eq!(ids, expected, "{}", text["text"]);
        }
    }

    #[test]
    fn vectors_are_those_of_the_recipe() {
        let encoder = Encoder::load().unwrap();
        for text in reference()["texts"].as_array().unwrap() {
            let vector = encoder.embed(text["text"].as_str().unwrap(), Lane::Text).unwrap();
            let expected = text["int8_first16"].as_array().unwrap();
            for (got, expected) in vector.values().zip(expected) {
                // Runtimes and CPUs differ by 0.02, the eight bits by as much as their step.
                let difference = (got - expected.as_f64().unwrap() as f32).abs();
                assert!(difference < 0.025, "{difference} in {}", text["text"]);
            }
        }
    }

    #[test]
    fn what_means_the_same_is_near() {
        let encoder = Encoder::load().unwrap();
        let ranking = &reference()["ranking"];
        let texts: Vec<Vector> = ranking["texts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| encoder.embed(text.as_str().unwrap(), Lane::Text).unwrap())
            .collect();
        for query in ranking["queries"].as_array().unwrap() {
            let asked = encoder.embed(query["text"].as_str().unwrap(), Lane::Question).unwrap();
            let best =
                (0..texts.len()).max_by(|a, b| asked.dot(&texts[*a]).total_cmp(&asked.dot(&texts[*b])));
            assert_eq!(best.map(|best| best as u64), query["order"][0].as_u64(), "{}", query["text"]);
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        let encoder = Encoder::load().unwrap();
        let many: Vec<Piece> = (2_000..2_300).collect();
        let rows = encoder.rows(&many).unwrap();
        assert_eq!(rows.len(), many.len() * DIMENSIONS);
        let alone = encoder.rows(&many[270..271]).unwrap();
        let among = &rows[270 * DIMENSIONS..271 * DIMENSIONS];
        assert!(alone.iter().zip(among).all(|(alone, among)| (alone - among).abs() < 1e-5));
    }
}
