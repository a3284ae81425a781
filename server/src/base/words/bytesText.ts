const units = ["", "Ki", "Mi", "Gi", "Ti"] as const

/** Bytes as settings write them, rounded to two digits: `512`, `1.5Mi`, `5Gi`. */
export const bytesText = (bytes: number): string => {
  const step = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${Math.round((bytes / 1024 ** step) * 100) / 100}${units[step]}`
}
