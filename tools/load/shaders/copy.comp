// SPDX-License-Identifier: MIT
// Bandwidth: each pass copies all blocks of 16 bytes. The passes start at
// different blocks, so that no compiler can merge them into one. The sum per
// thread proves how many blocks were read: first ^ second word of every input
// block is one constant, which only the input's writer knows.
#version 450

layout(local_size_x = 64) in;

layout(std430, set = 0, binding = 0) readonly buffer Params {
	uint nonce;
	uint items;
	uint iterations;
	uint release;
	uint threads;
} params;

layout(std430, set = 0, binding = 1) readonly buffer Input {
	uvec4 block[];
} source;

layout(std430, set = 0, binding = 2) writeonly buffer Output {
	uvec4 block[];
} result;

void main()
{
	uint t = gl_GlobalInvocationID.x;
	uint sum = params.nonce;
	uint shift = 0;

	if (t >= params.threads)
		return;

	for (uint pass = 0; pass < params.iterations; pass++) {
		for (uint j = t; j < params.items; j += params.threads) {
			uint k = j + shift;

			if (k >= params.items)
				k -= params.items;
			uvec4 v = source.block[k];

			sum += v.x ^ v.y;
			result.block[k] = v ^ uvec4(params.nonce);
		}
		shift += params.threads;
		if (shift >= params.items)
			shift -= params.items;
	}
	result.block[params.items + t] = uvec4(sum, t, params.nonce, 0);
}
