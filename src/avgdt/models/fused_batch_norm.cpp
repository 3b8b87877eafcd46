// Batch norm, addition and ReLU with few passes over memory, for float32 and bfloat16 on a CPU.
//
// The values of a tensor form segments of consecutive values, in which the channel repeats every `lanes` values:
//   channels-last (positions, channels): one segment; lane i has channel i % channels
//   contiguous (samples, channels, positions): a segment for each sample and channel, in which all lanes have the same
//     channel
// Segments are cut into pieces of a fixed number of tiles, a tile being `lanes` values. Sums are computed in float32
// within a piece, and in float64 over the pieces, in a fixed order: results do not depend on the number of threads.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

struct BFloat16 {
    uint16_t bits;
};

inline float load(float value) { return value; }

inline float load(BFloat16 value) {
    const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

inline void store(float& out, float value) { out = value; }

inline void store(BFloat16& out, float value) {  // rounds to nearest, ties to even
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    out.bits = static_cast<uint16_t>(value != value ? 0x7fc0u : rounded);
}

inline float relu(float value) { return value < 0 ? 0 : value; }  // keeps NaN

struct Layout {
    int64_t samples, channels, positions;
    bool last;  // channels-last
    int64_t lanes, segments, length, tiles_per_piece, pieces_per_segment;

    Layout(int64_t samples, int64_t channels, int64_t positions, bool last)
        : samples(samples), channels(channels), positions(positions), last(last) {
        lanes = last ? channels : 64;
        // Where possible, whole vectors of 16 lanes: a remainder in every row is slow.
        while (last && lanes < 256 && (lanes % 16 || lanes < 64) && lanes < 16 * channels) lanes *= 2;
        segments = last ? 1 : samples * channels;
        length = last ? samples * positions * channels : positions;
        tiles_per_piece = std::max<int64_t>(1, 32768 / lanes);
        pieces_per_segment = (length + tiles_per_piece * lanes - 1) / (tiles_per_piece * lanes);
    }
    int64_t pieces() const { return segments * pieces_per_segment; }
    int64_t count() const { return samples * positions; }
};

struct Piece {
    int64_t first, tiles, rest, channel;

    Piece(const Layout& layout, int64_t index) {
        const int64_t segment = index / layout.pieces_per_segment;
        const int64_t begin = index % layout.pieces_per_segment * layout.tiles_per_piece * layout.lanes;
        const int64_t values = std::min(layout.length - begin, layout.tiles_per_piece * layout.lanes);
        first = segment * layout.length + begin;
        tiles = values / layout.lanes;
        rest = values % layout.lanes;  // starts with lane 0, as does every tile
        channel = segment % layout.channels;
    }
};

// Coefficients of a piece, one per lane; `channel` is used if all lanes have the same channel.
struct Lanes {
    std::vector<float> values;
    bool last;

    Lanes(const Layout& layout, const std::vector<float>& by_channel) : values(layout.lanes), last(layout.last) {
        for (int64_t i = 0; last && i < layout.lanes; ++i) values[i] = by_channel[i % layout.channels];
    }
    const float* of(const std::vector<float>& by_channel, const Piece& piece) {
        if (!last) std::fill(values.begin(), values.end(), by_channel[piece.channel]);
        return values.data();
    }
};

// Two sums per channel over all values, of the pairs that `terms(begin, size, a, b)` adds to its lanes.
template <class MakeTerms>
std::vector<double> sums(const Layout& layout, int threads, MakeTerms make_terms) {
    const int64_t width = layout.last ? layout.channels : 1;
    std::vector<double> by_piece(2 * width * layout.pieces(), 0.0);
#pragma omp parallel num_threads(threads) if (layout.pieces() > 1)
    {
        auto terms = make_terms();
        std::vector<float> a(layout.lanes), b(layout.lanes);
#pragma omp for schedule(static)
        for (int64_t index = 0; index < layout.pieces(); ++index) {
            const Piece piece(layout, index);
            std::fill(a.begin(), a.end(), 0.0f);
            std::fill(b.begin(), b.end(), 0.0f);
            terms.start(piece);
            for (int64_t tile = 0; tile < piece.tiles; ++tile)
                terms(piece.first + tile * layout.lanes, layout.lanes, a.data(), b.data());
            terms(piece.first + piece.tiles * layout.lanes, piece.rest, a.data(), b.data());
            double* out = by_piece.data() + 2 * width * index;
            for (int64_t i = 0; i < layout.lanes; ++i) {
                out[i % width] += a[i];
                out[width + i % width] += b[i];
            }
        }
    }
    std::vector<double> total(2 * layout.channels, 0.0);
    for (int64_t index = 0; index < layout.pieces(); ++index) {
        const Piece piece(layout, index);
        for (int64_t i = 0; i < width; ++i) {
            const int64_t channel = layout.last ? i : piece.channel;
            total[channel] += by_piece[2 * width * index + i];
            total[layout.channels + channel] += by_piece[2 * width * index + width + i];
        }
    }
    return total;
}

// Calls `values(begin, size)` for every tile, in parallel.
template <class MakeValues>
void map(const Layout& layout, int threads, MakeValues make_values) {
#pragma omp parallel num_threads(threads) if (layout.pieces() > 1)
    {
        auto values = make_values();
#pragma omp for schedule(static)
        for (int64_t index = 0; index < layout.pieces(); ++index) {
            const Piece piece(layout, index);
            values.start(piece);
            for (int64_t tile = 0; tile < piece.tiles; ++tile)
                values(piece.first + tile * layout.lanes, layout.lanes);
            values(piece.first + piece.tiles * layout.lanes, piece.rest);
        }
    }
}

using Channels = std::vector<float>;

template <class T>
struct Moments {  // of x - shift: sums of first and second powers
    const T* x;
    const Channels& shift;
    Lanes lanes;
    const float* s = nullptr;

    void start(const Piece& piece) { s = lanes.of(shift, piece); }
    void operator()(int64_t begin, int64_t size, float* __restrict a, float* __restrict b) const {
        const T* __restrict in = x + begin;
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
            const float value = load(in[i]) - s[i];
            a[i] += value;
            b[i] += value * value;
        }
    }
};

template <class T, bool Relu, bool Add>
struct Normalise {  // y = relu(scale x + offset + added)
    const T* x;
    const T* added;
    T* y;
    const Channels &scale, &offset;
    Lanes scales, offsets;
    const float *s = nullptr, *o = nullptr;

    void start(const Piece& piece) { s = scales.of(scale, piece), o = offsets.of(offset, piece); }
    void operator()(int64_t begin, int64_t size) const {
        const T* __restrict in = x + begin;
        const T* __restrict other = added + (Add ? begin : 0);
        T* __restrict out = y + begin;
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
            float value = load(in[i]) * s[i] + o[i];
            if (Add) value += load(other[i]);
            store(out[i], Relu ? relu(value) : value);
        }
    }
};

// Gradient of the batch norm's output: that of y where the ReLU passes it. With an addition, y tells where.
template <class T, bool Relu, bool Add>
inline float passed(const T* x, const T* y, const T* dy, const float* s, const float* o, int64_t i) {
    const float gradient = load(dy[i]);
    if (!Relu) return gradient;
    return (Add ? load(y[i]) : load(x[i]) * s[i] + o[i]) > 0 ? gradient : 0.0f;
}

template <class T, bool Relu, bool Add>
struct GradientSums {  // sums of g and g (x - mean), where g is the gradient of the batch norm's output
    const T *x, *y, *dy;
    const Channels &scale, &offset, &mean;
    Lanes scales, offsets, means;
    const float *s = nullptr, *o = nullptr, *m = nullptr;

    void start(const Piece& piece) {
        s = scales.of(scale, piece), o = offsets.of(offset, piece), m = means.of(mean, piece);
    }
    void operator()(int64_t begin, int64_t size, float* __restrict a, float* __restrict b) const {
        const T* __restrict in = x + begin;
        const T* __restrict out = y + (Add ? begin : 0);
        const T* __restrict gradient = dy + begin;
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
            const float g = passed<T, Relu, Add>(in, out, gradient, s, o, i);
            a[i] += g;
            b[i] += g * (load(in[i]) - m[i]);
        }
    }
};

template <class T, bool Relu, bool Add>
struct InputGradient {  // dx = scale g + slope x + constant; dadded = g
    const T *x, *y, *dy;
    T *dx, *dadded;
    const Channels &scale, &offset, &slope, &constant;
    Lanes scales, offsets, slopes, constants;
    const float *s = nullptr, *o = nullptr, *k = nullptr, *c = nullptr;

    void start(const Piece& piece) {
        s = scales.of(scale, piece), o = offsets.of(offset, piece);
        k = slopes.of(slope, piece), c = constants.of(constant, piece);
    }
    void operator()(int64_t begin, int64_t size) const {
        const T* __restrict in = x + begin;
        const T* __restrict out = y + (Add ? begin : 0);
        const T* __restrict gradient = dy + begin;
        T* __restrict din = dx + begin;
        T* __restrict dother = dadded + (Add ? begin : 0);
#pragma omp simd
        for (int64_t i = 0; i < size; ++i) {
            const float g = passed<T, Relu, Add>(in, out, gradient, s, o, i);
            store(din[i], g * s[i] + load(in[i]) * k[i] + c[i]);
            if (Add) store(dother[i], g);
        }
    }
};

template <class T, bool Relu, bool Add>
void normalise(const Layout& layout, const T* x, const T* added, const float* weight, const float* bias,
               const float* mean, const float* rstd, T* y, int threads) {
    Channels scale(layout.channels), offset(layout.channels);
    for (int64_t c = 0; c < layout.channels; ++c) {
        scale[c] = weight[c] * rstd[c];
        offset[c] = bias[c] - mean[c] * scale[c];
    }
    map(layout, threads, [&] {
        return Normalise<T, Relu, Add>{x, added, y, scale, offset, Lanes(layout, scale), Lanes(layout, offset)};
    });
}

template <class T, bool Relu, bool Add>
void forward(const Layout& layout, const T* x, const T* added, const float* weight, const float* bias,
             float* running_mean, float* running_var, float momentum, float eps, T* y, float* mean, float* rstd,
             int threads) {
    const int64_t channels = layout.channels, stride = layout.last ? 1 : layout.positions;
    // The sums are those of x - shift, where the shift is near the mean, so that no digits cancel in the variance.
    Channels shift(channels, 0.0f);
    const int64_t count_of_shift = std::min<int64_t>(layout.count(), 64);
    for (int64_t i = 0; i < count_of_shift; ++i) {
        const int64_t value = i * layout.count() / count_of_shift;
        const T* first = x + value / layout.positions * layout.positions * channels +
                         value % layout.positions * (layout.last ? channels : 1);
        for (int64_t c = 0; c < channels; ++c) shift[c] += load(first[c * stride]) / count_of_shift;
    }
    const auto total = sums(layout, threads, [&] { return Moments<T>{x, shift, Lanes(layout, shift)}; });
    const double count = static_cast<double>(layout.count());
    for (int64_t c = 0; c < channels; ++c) {
        const double shifted = total[c] / count;
        const double square = total[channels + c] / count - shifted * shifted;
        const double variance = square < 0 ? 0 : square;
        mean[c] = static_cast<float>(shift[c] + shifted);
        rstd[c] = static_cast<float>(1 / std::sqrt(variance + eps));
        running_mean[c] += momentum * (mean[c] - running_mean[c]);
        running_var[c] += momentum * (static_cast<float>(variance * count / (count - 1)) - running_var[c]);
    }
    normalise<T, Relu, Add>(layout, x, added, weight, bias, mean, rstd, y, threads);
}

template <class T, bool Relu, bool Add>
void backward(const Layout& layout, const T* x, const T* y, const T* dy, const float* weight, const float* bias,
              const float* mean, const float* rstd, T* dx, T* dadded, float* dweight, float* dbias, int threads) {
    const int64_t channels = layout.channels;
    Channels scale(channels), offset(channels), slope(channels), constant(channels);
    const Channels means(mean, mean + channels);
    for (int64_t c = 0; c < channels; ++c) {
        scale[c] = weight[c] * rstd[c];
        offset[c] = bias[c] - mean[c] * scale[c];
    }
    const auto total = sums(layout, threads, [&] {
        return GradientSums<T, Relu, Add>{
            x, y, dy, scale, offset, means, Lanes(layout, scale), Lanes(layout, offset), Lanes(layout, means)};
    });
    const double count = static_cast<double>(layout.count());
    for (int64_t c = 0; c < channels; ++c) {
        const double g = total[c], product = total[channels + c] * rstd[c];
        dbias[c] = static_cast<float>(g);
        dweight[c] = static_cast<float>(product);
        const double k = -scale[c] * rstd[c] * product / count;
        slope[c] = static_cast<float>(k);
        constant[c] = static_cast<float>(-k * mean[c] - scale[c] * g / count);
    }
    map(layout, threads, [&] {
        return InputGradient<T, Relu, Add>{x, y, dy, dx, dadded, scale, offset, slope, constant, Lanes(layout, scale),
                                           Lanes(layout, offset), Lanes(layout, slope), Lanes(layout, constant)};
    });
}

// Calls `f` with a value of the type of the tensors and with two constants, so that each combination is compiled.
template <class F>
void dispatch(bool bfloat16, bool relu, bool add, F f) {
    const auto flags = [&](auto type) {
        using Yes = std::true_type;
        using No = std::false_type;
        if (relu) add ? f(type, Yes(), Yes()) : f(type, Yes(), No());
        else add ? f(type, No(), Yes()) : f(type, No(), No());
    };
    if (bfloat16) flags(BFloat16());
    else flags(float());
}

}  // namespace

extern "C" {

struct Arguments {
    int64_t samples, channels, positions;
    int32_t last, bfloat16, relu, threads;
    float momentum, eps;
    const void *x, *added, *y, *dy;
    const float *weight, *bias;
    float *running_mean, *running_var, *mean, *rstd;
    void *dx, *dadded;
    float *dweight, *dbias;
};

void batch_norm_forward(const Arguments* a) {
    const Layout layout(a->samples, a->channels, a->positions, a->last);
    dispatch(a->bfloat16, a->relu, a->added != nullptr, [&](auto type, auto relu, auto add) {
        using T = decltype(type);
        forward<T, decltype(relu)::value, decltype(add)::value>(
            layout, static_cast<const T*>(a->x), static_cast<const T*>(a->added), a->weight, a->bias, a->running_mean,
            a->running_var, a->momentum, a->eps, static_cast<T*>(const_cast<void*>(a->y)), a->mean, a->rstd,
            a->threads);
    });
}

// The forward pass with the mean and the reciprocal standard deviation in `mean` and `rstd`.
void batch_norm_inference(const Arguments* a) {
    const Layout layout(a->samples, a->channels, a->positions, a->last);
    dispatch(a->bfloat16, a->relu, a->added != nullptr, [&](auto type, auto relu, auto add) {
        using T = decltype(type);
        normalise<T, decltype(relu)::value, decltype(add)::value>(
            layout, static_cast<const T*>(a->x), static_cast<const T*>(a->added), a->weight, a->bias, a->mean, a->rstd,
            static_cast<T*>(const_cast<void*>(a->y)), a->threads);
    });
}

void batch_norm_backward(const Arguments* a) {
    const Layout layout(a->samples, a->channels, a->positions, a->last);
    dispatch(a->bfloat16, a->relu, a->dadded != nullptr, [&](auto type, auto relu, auto add) {
        using T = decltype(type);
        backward<T, decltype(relu)::value, decltype(add)::value>(
            layout, static_cast<const T*>(a->x), static_cast<const T*>(a->y), static_cast<const T*>(a->dy), a->weight,
            a->bias, a->mean, a->rstd, static_cast<T*>(a->dx), static_cast<T*>(a->dadded), a->dweight, a->dbias,
            a->threads);
    });
}
}
