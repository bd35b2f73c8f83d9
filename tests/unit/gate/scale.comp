/* SPDX-License-Identifier: MIT */
/* data[i] = 3 * data[i] + i: the result depends on what the host wrote. */
#version 450

layout(local_size_x = 64) in;

layout(std430, set = 0, binding = 0) buffer Data {
	uint data[];
};

void main()
{
	uint i = gl_GlobalInvocationID.x;

	data[i] = 3u * data[i] + i;
}
