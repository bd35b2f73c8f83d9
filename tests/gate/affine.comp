/* SPDX-License-Identifier: MIT */
/*
 * data[i] = data[i] * factor + addend + i, `rounds` times: maps that do not
 * commute, so the result tells the order in which submissions ran.
 */
#version 450

layout(local_size_x = 64) in;

layout(std430, set = 0, binding = 0) buffer Data {
	uint data[];
};

layout(push_constant) uniform Push {
	uint factor;
	uint addend;
	uint rounds;
};

void main()
{
	uint i = gl_GlobalInvocationID.x;
	uint value = data[i];

	for (uint round = 0; round < rounds; round++)
		value = value * factor + addend + i;
	data[i] = value;
}
