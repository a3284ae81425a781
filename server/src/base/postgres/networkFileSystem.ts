/**
 * Magic numbers of file systems that other machines may write too, by `statfs(2)`. File systems that only pass on
 * another machine's files (9p of WSL and virtiofs of virtual machines) aren't among them: they support locks, and a
 * laptop's folder may well be there.
 */
const networks: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB 2"],
  [0x5346414f, "AFS"],
  [0x73757245, "Coda"],
  [0x564c, "NCP"],
  [0x00c36400, "CephFS"],
  [0x0bd00bd0, "Lustre"],
  [0x47504653, "GPFS"],
  [0x7461636f, "OCFS2"],
  [0x01161970, "GFS2"],
  [0x19830326, "BeeGFS"]
])

/** Name of the network file system with this number, which Linux gives as a signed number on some machines. */
export const networkFileSystem = (type: number): string | undefined =>
  process.platform === "linux" ? networks.get(type >>> 0) : undefined
