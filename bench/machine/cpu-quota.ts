import { numberAt, readProc } from "./proc.ts";

// A container with half a CPU still sees all cores; its control group says what it may use of them.

/** How many cores' time this process's control groups allow; null: no limit. */
export function readCpuQuota(): number | null {
  return cpuQuotaOf(readProc("/proc/self/cgroup") ?? "", readProc);
}

/** `membership` is `/proc/self/cgroup` (cgroups(7)). The tightest limit on the way up to the root holds. */
export function cpuQuotaOf(membership: string, read: (path: string) => string | null): number | null {
  const quotas = [...membership.matchAll(/^\d+:([^:]*):(.+)$/gm)].flatMap(
    ([, controllers = "", path = ""]) => {
      if (controllers === "") return upwards(path).map((folder) => quotaV2(folder, read));
      return controllers.split(",").includes("cpu")
        ? upwards(path).map((folder) => quotaV1(folder, read))
        : [];
    },
  );
  const limits = quotas.filter((quota) => quota !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}

/** `/a/b` gives `/a/b`, `/a` and nothing, which is the root. */
function upwards(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  return [...names.keys(), names.length].reverse().map((length) => {
    return names
      .slice(0, length)
      .map((name) => `/${name}`)
      .join("");
  });
}

function quotaV2(folder: string, read: (path: string) => string | null): number | null {
  const [, quota, period] = /^(\d+) (\d+)/.exec(read(`/sys/fs/cgroup${folder}/cpu.max`) ?? "") ?? [];
  return quota === undefined ? null : Number(quota) / Number(period);
}

function quotaV1(folder: string, read: (path: string) => string | null): number | null {
  const quota = numberAt(read(`/sys/fs/cgroup/cpu${folder}/cpu.cfs_quota_us`), /^(\d+)/);
  const period = numberAt(read(`/sys/fs/cgroup/cpu${folder}/cpu.cfs_period_us`), /^(\d+)/);
  return quota === null || period === null ? null : quota / period;
}
