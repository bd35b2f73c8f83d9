// SPDX-License-Identifier: MIT
// Matrix product in tiles of 16 by 16. Elements are integers from -8 to 7, and
// each pass adds the product to a total kept modulo 65536: all sums stay below
// 2^24, so the result is exact in any order of summation.
#version 450

layout(local_size_x = 16, local_size_y = 16) in;

layout(std430, set = 0, binding = 0) readonly buffer Params {
	uint nonce;
	uint items;
	uint iterations;
	uint release;
} params;

layout(std430, set = 0, binding = 1) readonly buffer Input {
	float value[];
} source;

layout(std430, set = 0, binding = 2) writeonly buffer Output {
	uint value[];
} result;

shared float tile_a[16][16];
shared float tile_b[16][16];

uint scramble(uint x)
{
	x = (x ^ (x >> 16)) * 0x9e3779b1u;
	x = (x ^ (x >> 15)) * 0x85ebca77u;
	return x ^ (x >> 16);
}

float product(uint n, uint row, uint column, uint y, uint x)
{
	float sum = 0.0;

	for (uint t = 0; t < n; t += 16) {
		tile_a[y][x] = source.value[row * n + t + x];
		tile_b[y][x] = source.value[n * n + (t + y) * n + column];
		barrier();
		for (uint k = 0; k < 16; k++)
			sum = fma(tile_a[y][k], tile_b[k][x], sum);
		barrier();
	}
	return sum;
}

void main()
{
	uint n = params.items;
	uint x = gl_LocalInvocationID.x;
	uint y = gl_LocalInvocationID.y;
	uint row = gl_WorkGroupID.x / (n / 16) * 16 + y;
	uint column = gl_WorkGroupID.x % (n / 16) * 16 + x;
	uint word = row * n + column;
	float total = float(scramble(params.nonce + scramble(word)) & 0xffffu);

	for (uint pass = 0; pass < params.iterations; pass++) {
		total += product(n, row, column, y, x);
		total -= floor(total * (1.0 / 65536.0)) * 65536.0;
	}
	result.value[word] = uint(total);
}
