import { open } from "node:fs/promises"

/** Names of files with secrets by convention. Public keys and examples (`id_rsa.pub`, `.env.example`) don't match. */
const secretNames: ReadonlyArray<RegExp> = [
  /^\.env(?:rc)?$/,
  /^id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/,
  /^(?:\.netrc|_netrc|\.pgpass|\.git-credentials|\.pypirc|\.vault-token|\.my\.cnf|\.s3cfg)$/,
  /\.(?:p12|pfx|jks|keystore|kdbx|tfstate)$/i
]

/** Variants of `.env` that are meant to be shared. */
const sharedEnv = /\.(?:example|sample|template|dist|schema)$/

/** Files that are secret in a folder with this name. */
const secretPlaces =
  /(?:^|\/)(?:\.aws\/(?:credentials|config)|\.docker\/config\.json|\.kube\/config|\.ssh\/[^/]+|\.gnupg\/[^/]+)$/

const mayHoldKey = /\.(?:pem|key)$/i

const beginningOf = async (file: string): Promise<string> => {
  const opened = await open(file)
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0)
    return buffer.toString("latin1", 0, bytesRead)
  } finally {
    await opened.close()
  }
}

/** Whether a file is secret by its name, or a private key by its name and content. `path` is relative, separated by `/`. */
export const isSecretFile = async (path: string, file: string): Promise<boolean> => {
  const name = nameOf(path)
  if (name.startsWith(".env.")) return !sharedEnv.test(name)
  if (secretNames.some((secretName) => secretName.test(name))) return true
  if (secretPlaces.test(path)) return !name.endsWith(".pub") && name !== "known_hosts"
  return mayHoldKey.test(name) && (await beginningOf(file)).includes("PRIVATE KEY-----")
}

/** The name that a line sets, in package managers' files with credentials for registries. */
const keyOf: Readonly<Record<string, (line: string) => string>> = {
  ".npmrc": (line) => line.slice(0, Math.max(0, line.indexOf("="))).trim(),
  ".yarnrc": (line) => line.trim().split(" ")[0] ?? "",
  ".yarnrc.yml": (line) => line.slice(0, Math.max(0, line.indexOf(":"))).trim()
}

const credential =
  /(?:^|[:"'])(?:_authToken|_auth|_password|username|email|otp|certfile|keyfile|cert|key|npmAuthToken|npmAuthIdent|httpsKeyFilePath|httpsCertFilePath)(?:\[\])?["']?$/

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1)

/** Whether the file may contain credentials besides settings that a build needs. */
export const mayHoldCredentials = (path: string): boolean => keyOf[nameOf(path)] !== undefined

/** The file without its lines with credentials; undefined if it has none. */
export const withoutCredentials = (path: string, content: string): string | undefined => {
  const lines = content.split("\n")
  const kept = lines.filter((line) => !credential.test(keyOf[nameOf(path)]?.(line) ?? ""))
  return kept.length === lines.length ? undefined : kept.join("\n")
}
