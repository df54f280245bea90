"""The operators of a transformer, for a prefill or one step of decoding."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from arch.errors import InputError
from traces.operators import (
    AnyOperator,
    Elementwise,
    Gemm,
    Move,
    Norm,
    Operator,
    Softmax,
    Workload,
)
from traces.reading import build
from traces.transformer.model import Transformer, models

DEFAULT_PREFILL = 128

CHOICES = (
    "Attention covers the whole context (no causal saving). Q, K and V are one product. "
    "Bias, scale and mask cost nothing."
)


@dataclass
class _Builder:
    """Operators so far, for ``tokens`` new tokens of each of ``batch`` sequences."""

    model: Transformer
    where: str
    batch: int
    tokens: int
    context: int
    operators: list[AnyOperator] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.batch * self.tokens

    def add(self, kind: Any, name: str, *inputs: str, **fields: Any) -> str:
        """Append an operator; returns its name."""
        operator: AnyOperator = build(
            kind, f"{self.where}: {name}", name=name, inputs=inputs, **fields
        )
        assert isinstance(operator, Operator)
        self.operators.append(operator)
        return name

    def norm(self, name: str, reads: str, rows: int | None = None) -> str:
        return self.add(
            Norm, name, reads, op=self.model.norm, rows=rows or self.rows, cols=self.model.hidden
        )

    def project(self, name: str, reads: str, k: int, n: int) -> str:
        return self.add(Gemm, name, reads, m=self.rows, n=n, k=k)

    def residual(self, name: str, branch: str, past: str) -> str:
        return self.add(
            Elementwise,
            name,
            branch,
            past,
            op="add",
            elements=self.rows * self.model.hidden,
            operands=2,
        )


def workload(name: str, options: Mapping[str, int]) -> tuple[Workload, tuple[str, ...]]:
    """Operators of a known model, and notes.

    ``options``: ``batch`` sequences (1), and either ``prefill`` tokens each (128) or ``decode``,
    one new token each that attends to that many tokens, itself among them.

    Raises InputError for an unknown option, one out of range, or sizes that overflow.
    """
    model = models()[name]
    for key in options:
        if key not in ("prefill", "decode", "batch"):
            raise InputError(f"{name}: takes the options prefill, decode and batch, not {key!r}")
    if "prefill" in options and "decode" in options:
        raise InputError(f"{name}: give prefill or decode, not both")
    if "decode" in options and model.kind == "encoder":
        raise InputError(f"{name}: is an encoder and does not decode; give prefill=tokens")
    decode = "decode" in options
    context = options["decode"] if decode else options.get("prefill", DEFAULT_PREFILL)
    phase = "decode" if decode else "prefill"
    if context < 1:
        raise InputError(f"{name}: {phase} must be at least 1 token, not {context}")
    if model.positions and context > model.positions:
        raise InputError(
            f"{name}: {phase} of {context} tokens; its position embedding ends at {model.positions}"
        )
    batch = options.get("batch", 1)
    title = f"{name}:{phase}={context},batch={batch}"
    graph = _Builder(model, title, batch, 1 if decode else context, context)
    _stack(graph)
    source = " ".join([f"{model.source}.", *model.assumed, CHOICES])
    notes = [f"{name}: {each}" for each in model.assumed]
    if model.experts > 1:
        active, tokens = _expert_load(graph)
        spread = (
            f"The {graph.rows} x {model.experts_per_token} assignments of tokens to experts are "
            f"spread evenly: {active} of {model.experts} experts take {tokens} tokens each."
        )
        source += " " + spread
        notes.append(f"{name}: {spread}")
    if not {"prefill", "decode"} & set(options):
        notes.append(f"{name}: prefill of {DEFAULT_PREFILL} tokens, as none was given")
    result = build(Workload, title, name=title, source=source, operators=tuple(graph.operators))
    return result, tuple(notes)


def _stack(graph: _Builder) -> None:
    model = graph.model
    state = _embed(graph)
    for layer in range(model.layers):
        state = _layer(graph, f"layer{layer}", state)
    if model.kind == "encoder":
        dims = {"m": graph.batch, "n": model.hidden, "k": model.hidden}
        pooled = graph.add(Gemm, "pooler", state, **dims)
        graph.add(Elementwise, "pooler_tanh", pooled, op="act", elements=graph.batch * model.hidden)
        return
    if model.norm_first:
        state = graph.norm("final_norm", state, rows=graph.batch)
    if model.embedding_dim != model.hidden:
        state = graph.add(
            Gemm, "project_out", state, m=graph.batch, n=model.embedding_dim, k=model.hidden
        )
    graph.add(Gemm, "lm_head", state, m=graph.batch, n=model.vocabulary, k=model.embedding_dim)


def _embed(graph: _Builder) -> str:
    model = graph.model
    state = graph.add(Move, "embedding", elements=graph.rows * model.embedding_dim)
    if model.embedding_dim != model.hidden:
        state = graph.project("project_in", state, model.embedding_dim, model.hidden)
    tables = 1 + bool(model.positions) + bool(model.token_types)
    if tables > 1:
        elements = graph.rows * model.hidden
        state = graph.add(
            Elementwise, "embedding_add", state, op="add", elements=elements, operands=tables
        )
    if model.kind == "encoder":
        state = graph.norm("embedding_norm", state)
    return state


def _layer(graph: _Builder, prefix: str, state: str) -> str:
    first = graph.model.norm_first
    reads = graph.norm(f"{prefix}.attention_norm", state) if first else state
    branch = _attention(graph, prefix, reads)
    state = graph.residual(f"{prefix}.attention_add", branch, state)
    if not first:
        state = graph.norm(f"{prefix}.attention_norm", state)
    reads = graph.norm(f"{prefix}.ffn_norm", state) if first else state
    branch = (_experts if graph.model.experts > 1 else _ffn)(graph, prefix, reads)
    state = graph.residual(f"{prefix}.ffn_add", branch, state)
    return state if first else graph.norm(f"{prefix}.ffn_norm", state)


def _attention(graph: _Builder, prefix: str, reads: str) -> str:
    model = graph.model
    state = graph.project(f"{prefix}.qkv", reads, model.hidden, model.qkv_dim)
    if model.rotary:
        rotated = graph.rows * (model.heads + model.kv_heads) * model.head_dim
        # x cos + rotate(x) sin: two products an element, then their sum.
        products = graph.add(
            Elementwise,
            f"{prefix}.rotary_mul",
            state,
            op="mul",
            elements=2 * rotated,
            operands=2,
        )
        state = graph.add(
            Elementwise, f"{prefix}.rotary_add", products, op="add", elements=rotated, operands=2
        )
    # Query heads that share a key and value head are rows of one product.
    product = {
        "batch": graph.batch * model.kv_heads,
        "m": graph.tokens * (model.heads // model.kv_heads),
        "second_operand": "activations",
    }
    scores = graph.add(
        Gemm, f"{prefix}.scores", state, n=graph.context, k=model.head_dim, **product
    )
    rows = graph.rows * model.heads
    weights = graph.add(Softmax, f"{prefix}.softmax", scores, rows=rows, cols=graph.context)
    values = graph.add(
        Gemm, f"{prefix}.values", weights, state, n=model.head_dim, k=graph.context, **product
    )
    return graph.project(f"{prefix}.attention_out", values, model.attention_dim, model.hidden)


def _ffn(graph: _Builder, prefix: str, reads: str) -> str:
    model = graph.model
    inner = _activate(
        graph,
        prefix,
        reads,
        {"m": graph.rows, "k": model.hidden, "n": model.ffn},
        graph.rows * model.ffn,
    )
    return graph.project(f"{prefix}.ffn_down", inner, model.ffn, model.hidden)


def _activate(
    graph: _Builder, prefix: str, reads: str, product: dict[str, int], elements: int
) -> str:
    """Projections up and the activation between; ``elements`` of its result."""
    up = graph.add(Gemm, f"{prefix}.ffn_up", reads, **product)
    if graph.model.activation != "swiglu":
        return graph.add(Elementwise, f"{prefix}.ffn_activation", up, op="act", elements=elements)
    gate = graph.add(Gemm, f"{prefix}.ffn_gate", reads, **product)
    gate = graph.add(Elementwise, f"{prefix}.ffn_activation", gate, op="act", elements=elements)
    return graph.add(
        Elementwise, f"{prefix}.ffn_mul", gate, up, op="mul", elements=elements, operands=2
    )


def _expert_load(graph: _Builder) -> tuple[int, int]:
    """Experts that have work, and tokens of each, when tokens spread evenly."""
    assignments = graph.rows * graph.model.experts_per_token
    active = min(graph.model.experts, assignments)
    return active, -(-assignments // active)


def _experts(graph: _Builder, prefix: str, reads: str) -> str:
    model = graph.model
    active, tokens = _expert_load(graph)
    router = graph.project(f"{prefix}.router", reads, model.hidden, model.experts)
    chosen = graph.add(
        Softmax, f"{prefix}.router_softmax", router, rows=graph.rows, cols=model.experts
    )
    gathered = graph.add(
        Move,
        f"{prefix}.expert_gather",
        reads,
        chosen,
        elements=graph.rows * model.experts_per_token * model.hidden,
    )
    product = {"batch": active, "m": tokens}
    inner = _activate(
        graph,
        prefix,
        gathered,
        {**product, "k": model.hidden, "n": model.ffn},
        active * tokens * model.ffn,
    )
    down = graph.add(Gemm, f"{prefix}.ffn_down", inner, k=model.ffn, n=model.hidden, **product)
    weighted = graph.add(
        Elementwise,
        f"{prefix}.expert_weight",
        down,
        chosen,
        op="mul",
        elements=graph.rows * model.experts_per_token * model.hidden,
    )
    return graph.add(
        Elementwise,
        f"{prefix}.expert_sum",
        weighted,
        op="add",
        elements=graph.rows * model.hidden,
        operands=model.experts_per_token,
    )
