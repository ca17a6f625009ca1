// How many requests may be sent a second time: a share of all requests (Envoy's retry budget), so that a broken service
// is not asked even more often. Requests of which nothing was sent do not count: they cost nobody anything.

const savedMax = 50;

export class RetryBudget {
  percentMax = 20;
  private saved = 10;

  earn(): void {
    if (this.saved < savedMax) this.saved += this.percentMax / 100;
  }

  spend(): boolean {
    if (this.saved < 1) return false;
    this.saved--;
    return true;
  }
}
