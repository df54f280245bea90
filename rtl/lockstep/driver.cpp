// Runs a verilated wrapper over whole batches: a call a batch instead of one a cycle.
#include <cstdint>
#include <cstring>

namespace {

template <std::size_t N> void put(VlWide<N>& port, const uint32_t* words) {
    std::memcpy(port.data(), words, N * sizeof(uint32_t));
}
void put(QData& port, const uint32_t* words) { port = words[0] | (QData{words[1]} << 32); }
template <typename T> void put(T& port, const uint32_t* words) { port = words[0]; }

template <std::size_t N> void get(const VlWide<N>& port, uint32_t* words) {
    std::memcpy(words, port.data(), N * sizeof(uint32_t));
}
void get(const QData& port, uint32_t* words) { words[0] = port; words[1] = port >> 32; }
template <typename T> void get(const T& port, uint32_t* words) { words[0] = port; }

constexpr int STIM = (STIM_BITS + 31) / 32;
constexpr int RESP = (RESP_BITS + 31) / 32;

struct Twin {
    VerilatedContext context;
    Vtwin unit{&context};
};

void edge(Vtwin& unit) {
    unit.clk = 1;
    unit.eval();
    unit.clk = 0;
}

}  // namespace

extern "C" {

void* twin_create() {
    Twin* twin = new Twin;
    twin->unit.clk = 0;
    twin->unit.eval();
    return twin;
}

void twin_destroy(void* handle) { delete static_cast<Twin*>(handle); }

void twin_mutate(void* handle, uint32_t number) {
#ifdef MUTANTS
    static_cast<Twin*>(handle)->unit.mutant = number;
#endif
}

// First cycle whose response differs, with that response in `found`, or -1.
int64_t twin_run(void* handle, const uint8_t* rst, const uint32_t* stim, const uint32_t* resp,
                 int64_t cycles, uint32_t* found) {
    Vtwin& unit = static_cast<Twin*>(handle)->unit;
    for (int64_t x = 0; x < cycles; ++x, stim += STIM, resp += RESP) {
        unit.rst = rst[x];
        put(unit.stim, stim);
        unit.eval();
        get(unit.resp, found);
        if (std::memcmp(found, resp, RESP * sizeof(uint32_t))) return x;
        edge(unit);
    }
    return -1;
}

// Responses of all cycles.
void twin_record(void* handle, const uint8_t* rst, const uint32_t* stim, uint32_t* resp,
                 int64_t cycles) {
    Vtwin& unit = static_cast<Twin*>(handle)->unit;
    for (int64_t x = 0; x < cycles; ++x, stim += STIM, resp += RESP) {
        unit.rst = rst[x];
        put(unit.stim, stim);
        unit.eval();
        get(unit.resp, resp);
        edge(unit);
    }
}

// A plain loop, for the benchmark: one evaluation a cycle and nothing compared. The last
// response tells the compiler that the work is wanted.
void twin_plain(void* handle, const uint8_t* rst, const uint32_t* stim, int64_t cycles,
                uint32_t* last) {
    Vtwin& unit = static_cast<Twin*>(handle)->unit;
    for (int64_t x = 0; x < cycles; ++x, stim += STIM) {
        unit.rst = rst[x];
        put(unit.stim, stim);
        edge(unit);
        unit.eval();
    }
    get(unit.resp, last);
}
}
