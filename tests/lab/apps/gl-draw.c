// SPDX-License-Identifier: MIT
/*
 * gl-draw: draws a triangle with OpenGL ES off screen, reads it back and checks
 * every pixel. Prints the renderer. For guests whose OpenGL is Mesa's Zink on a
 * vGPU's Vulkan.
 *
 * Exit status: 0; 1 when a pixel is wrong; 2 when there is no OpenGL.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>

#define EDGE 64
#define RED 0xff0000ffu /* little endian RGBA */
#define BLUE 0xffff0000u

static const char vertex_text[] = "attribute vec2 place;\n"
				  "void main() {\n"
				  "  gl_Position = vec4(place, 0.0, 1.0);\n"
				  "}\n";
static const char fragment_text[] =
	"precision mediump float;\n"
	"void main() {\n"
	"  gl_FragColor = vec4(1.0, 0.0, 0.0, 1.0);\n"
	"}\n";

static void make_context(void)
{
	static const EGLint config_wanted[] = {
		EGL_SURFACE_TYPE, EGL_PBUFFER_BIT, EGL_RENDERABLE_TYPE,
		EGL_OPENGL_ES2_BIT, EGL_NONE};
	static const EGLint context_wanted[] = {EGL_CONTEXT_CLIENT_VERSION, 2,
						EGL_NONE};
	EGLDisplay display = eglGetPlatformDisplay(
		EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
	EGLContext context;
	EGLConfig config;
	EGLint count;

	if (!eglInitialize(display, NULL, NULL) ||
	    !eglChooseConfig(display, config_wanted, &config, 1, &count) ||
	    !count)
		errx(2, "no OpenGL: EGL error %#x", eglGetError());
	context = eglCreateContext(display, config, EGL_NO_CONTEXT,
				   context_wanted);
	if (!eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
		errx(2, "no OpenGL context: EGL error %#x", eglGetError());
	printf("renderer: %s\n", glGetString(GL_RENDERER));
}

static void make_target(void)
{
	GLuint texture, frame;

	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, EDGE, EDGE, 0, GL_RGBA,
		     GL_UNSIGNED_BYTE, NULL);
	glGenFramebuffers(1, &frame);
	glBindFramebuffer(GL_FRAMEBUFFER, frame);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0,
			       GL_TEXTURE_2D, texture, 0);
	if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
		errx(2, "no frame buffer");
	glViewport(0, 0, EDGE, EDGE);
}

static GLuint make_shader(GLenum kind, const char *text)
{
	GLuint shader = glCreateShader(kind);
	GLint built;

	glShaderSource(shader, 1, &text, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &built);
	if (!built)
		errx(2, "a shader does not compile");
	return shader;
}

static void make_program(void)
{
	GLuint program = glCreateProgram();
	GLint linked;

	glAttachShader(program, make_shader(GL_VERTEX_SHADER, vertex_text));
	glAttachShader(program, make_shader(GL_FRAGMENT_SHADER, fragment_text));
	glBindAttribLocation(program, 0, "place");
	glLinkProgram(program);
	glGetProgramiv(program, GL_LINK_STATUS, &linked);
	if (!linked)
		errx(2, "the program does not link");
	glUseProgram(program);
}

/* The half below the diagonal. */
static void draw(void)
{
	static const GLfloat places[] = {-1, -1, 1, -1, -1, 1};

	glClearColor(0, 0, 1, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, places);
	glEnableVertexAttribArray(0);
	glDrawArrays(GL_TRIANGLES, 0, 3);
}

static unsigned int count_wrong(const uint32_t *pixels)
{
	unsigned int wrong = 0;

	for (unsigned int y = 0; y < EDGE; y++)
		for (unsigned int x = 0; x < EDGE; x++) {
			/* On the diagonal itself either is right. */
			if (x + y == EDGE - 1)
				continue;
			wrong += pixels[y * EDGE + x] !=
				 (x + y < EDGE - 1 ? RED : BLUE);
		}
	return wrong;
}

int main(void)
{
	static uint32_t pixels[EDGE * EDGE];
	unsigned int wrong;

	make_context();
	make_target();
	make_program();
	draw();
	glReadPixels(0, 0, EDGE, EDGE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
	wrong = count_wrong(pixels);
	printf("pixels: %u, wrong: %u\n", EDGE * EDGE, wrong);
	return wrong || glGetError() ? EXIT_FAILURE : EXIT_SUCCESS;
}
