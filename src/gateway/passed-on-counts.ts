/** One to the client, one to the session's gateway. */
const DESCRIPTORS_EACH = 2;

/** What is passed on to other gateways; one object, read where room is counted, so that it need not know who passes. */
export class PassedOnCounts {
  /** Passed-on upgrades open at present. */
  upgrades = 0;
  /** Passed-on requests under way at present, polls that wait among them. */
  requests = 0;
  /** Since the start. */
  upgradesTotal = 0;
  requestsTotal = 0;
  /** Of both, those whose gateway was not there any more, since the start. */
  goneTotal = 0;
  /** Of both, those refused because their gateway did not answer in time or at all well, since the start. */
  failedTotal = 0;

  get descriptors(): number {
    return DESCRIPTORS_EACH * (this.upgrades + this.requests);
  }
}
