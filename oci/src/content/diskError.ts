import { ociError } from "../OciError.ts"

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined

/** The error of a file that couldn't be read or written. */
export const diskError = (cause: unknown, what: string) => {
  const code = codeOf(cause)
  const because = code ?? (cause instanceof Error ? cause.message : String(cause))
  if (code === "ENOSPC" || code === "EDQUOT")
    return ociError(
      "disk",
      `couldn't ${what}: the disk is full (${code})`,
      "free some space, or set TMPDIR to a folder on a disk with enough"
    )
  if (code === "ENOENT") return ociError("missing", `couldn't ${what}: it doesn't exist`)
  if (code === "EACCES" || code === "EPERM") return ociError("disk", `couldn't ${what}: no permission (${code})`)
  return ociError("disk", `couldn't ${what} (${because})`)
}
