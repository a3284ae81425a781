/** The code of a failed system call or of Node's own errors, such as `ENOENT`; undefined for others. */
export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
