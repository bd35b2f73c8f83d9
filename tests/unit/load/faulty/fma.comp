// SPDX-License-Identifier: MIT
// As tools/load/shaders/fma.comp, but for one word of the output.
#version 450

layout(local_size_x = 64) in;

layout(std430, set = 0, binding = 0) readonly buffer Params {
	uint nonce;
	uint items;
	uint iterations;
	uint release;
} params;

layout(std430, set = 0, binding = 2) writeonly buffer Output {
	uvec4 value[];
} result;

uint scramble(uint x)
{
	x = (x ^ (x >> 16)) * 0x9e3779b1u;
	x = (x ^ (x >> 15)) * 0x85ebca77u;
	return x ^ (x >> 16);
}

uint start(uint word)
{
	return scramble(params.nonce + scramble(word)) & 0xffffu;
}

void main()
{
	uint i = gl_GlobalInvocationID.x;

	if (i >= params.items)
		return;

	vec4 x = vec4(start(4 * i), start(4 * i + 1), start(4 * i + 2),
		      start(4 * i + 3));

	for (uint n = 0; n < params.iterations; n++) {
		x = fma(x, vec4(109.0), vec4(30011.0));
		x = fma(floor(x * (1.0 / 65536.0)), vec4(-65536.0), x);
	}
	result.value[i] = uvec4(x) + uvec4(0, 0, i == 40 ? 1 : 0, 0);
}
