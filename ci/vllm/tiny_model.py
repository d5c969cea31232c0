"""Make a Llama of a million random weights that vLLM serves: `tiny_model.py FOLDER`. Nothing is downloaded.

Run with the interpreter of vLLM's environment, which has the libraries.
"""

from __future__ import annotations

import pydoc_data.topics
import string
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY, CONTEXT = 4096, 131_072
END = "<|end|>"
CHAT = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}{{ 'assistant: ' }}"


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte pairs of ASCII alone, learnt from Python's own help: no token is half a character and held back."""
    pairs = Tokenizer(models.BPE(unk_token="<|unknown|>"))
    pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pairs.decoder = decoders.ByteLevel()
    texts = pydoc_data.topics.topics
    letters = [letter for word, _ in pairs.pre_tokenizer.pre_tokenize_str(string.printable) for letter in word]
    ascii_only = [texts[key].encode("ascii", "ignore").decode() for key in sorted(texts)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|unknown|>", END], initial_alphabet=letters, show_progress=False
    )
    pairs.train_from_iterator(ascii_only, trainer)
    assert pairs.get_vocab_size() == VOCABULARY
    return PreTrainedTokenizerFast(
        tokenizer_object=pairs, eos_token=END, pad_token=END, unk_token="<|unknown|>", chat_template=CHAT
    )


def model(end: int) -> LlamaForCausalLM:
    """Two small layers; the end of a text as unlikely as any other token."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=CONTEXT, bos_token_id=end, eos_token_id=end, pad_token_id=end,
        dtype="bfloat16",
    )  # fmt: skip
    return LlamaForCausalLM(config).to(torch.bfloat16)


if __name__ == "__main__":
    words = tokenizer()
    words.save_pretrained(sys.argv[1])
    model(words.convert_tokens_to_ids(END)).save_pretrained(sys.argv[1])
