/* What the relay's own pages may do in a browser. */
#ifndef HERMES_PAGE_POLICY_H
#define HERMES_PAGE_POLICY_H

struct relay_page;

/* Fills the page's headers: it talks to this host only, and nothing runs or dresses it but the <script> and the <style>
 * that stand in it, by their digests. */
void page_policy_set(struct relay_page *page);

#endif
