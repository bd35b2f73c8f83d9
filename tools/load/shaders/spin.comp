// SPDX-License-Identifier: MIT
// A dispatch that never ends, unless the host writes the release word.
#version 450

layout(local_size_x = 1) in;

layout(std430, set = 0, binding = 0) coherent buffer Params {
	uint nonce;
	uint items;
	uint iterations;
	uint release;
} params;

layout(std430, set = 0, binding = 2) writeonly buffer Output {
	uint value[];
} result;

void main()
{
	// An atomic read, so that no compiler may take the loop for endless
	// without effect and remove it.
	while (atomicOr(params.release, 0u) == 0u)
		;
	result.value[gl_GlobalInvocationID.x] =
		params.nonce + gl_GlobalInvocationID.x;
}
