import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { getCACertificates } from "node:tls"

/**
 * Folders in which podman and docker look for the authorities of registries: one for each host, with its port if it has
 * one (containers-certs.d(5)).
 */
export const certificateFolders: ReadonlyArray<string> = ["/etc/containers/certs.d", "/etc/docker/certs.d"]

/** Tenants choose hosts, so only this may be a folder's name. */
const isHost = (host: string) => /^[a-z0-9][a-z0-9.-]*(:\d{1,5})?$/i.test(host)

const mostFiles = 20
const mostBytes = 256 * 1024
/** How long to cache the files, so that a new file needs no restart. */
const knownForMs = 5_000

const readFolder = async (folder: string): Promise<ReadonlyArray<string>> => {
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith(".crt")).slice(0, mostFiles)
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8").catch(() => "")))
  return texts.filter((text) => text !== "" && text.length <= mostBytes)
}

/**
 * Reads the authorities (PEM) that may have signed a registry's certificate; undefined: only those that the server
 * trusts anyway.
 */
export const makeRegistryAuthorities = (folders: ReadonlyArray<string>) => {
  const known = new Map<string, { readonly readAt: number; readonly ca: Promise<ReadonlyArray<string> | undefined> }>()
  return (host: string): Promise<ReadonlyArray<string> | undefined> => {
    if (!isHost(host)) return Promise.resolve(undefined)
    const now = performance.now()
    for (const [other, { readAt }] of known) if (now - readAt > knownForMs) known.delete(other)
    const before = known.get(host)
    if (before !== undefined) return before.ca
    const ca = Promise.all(folders.map((folder) => readFolder(join(folder, host)))).then((found) => {
      const own = found.flat()
      return own.length === 0 ? undefined : [...getCACertificates("default"), ...own]
    })
    known.set(host, { readAt: now, ca })
    return ca
  }
}
