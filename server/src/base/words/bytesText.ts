const binary = ["", "Ki", "Mi", "Gi", "Ti"] as const
const decimal = ["B", "kB", "MB", "GB"] as const

/** Bytes as settings write them, rounded to two digits: `512`, `1.5Mi`, `5Gi`. */
export const bytesText = (bytes: number): string => {
  const step = bytes < 1024 ? 0 : Math.min(binary.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Math.round((bytes / 1024 ** step) * 100) / 100}${binary[step]}`
}

/** Bytes in a config's form for `memory`, rounded up to whole mebibytes: `96Mi`, `1Gi`. */
export const memoryText = (bytes: number): string => {
  const mebibytes = Math.ceil(bytes / 2 ** 20)
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`
}

/** Bytes as podman and docker write the sizes of images: `34.1 MB`. */
export const sizeText = (bytes: number): string => {
  const step = bytes < 1000 ? 0 : Math.min(decimal.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** step
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${decimal[step]}`
}
