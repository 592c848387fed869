// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages for what a pair receives, and their second life.
 *
 * A big page costs the allocator a lock, and a look at each of its 16 parts when it
 * comes and when it goes. So the driver keeps a reference to each that it gives away,
 * and takes the page again when that is the only one left: then all others, of skbs,
 * of pipes, of captures, are gone, and who has none cannot get one. What stays busy
 * is left to its users when as many have come behind it.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "toe_virtio.h"

#define ORDER	get_order(TOE_VIRTIO_PAGE)
#define LOOKS	2U	/* at busy pages, for each that is asked for */

/**
 * toe_virtio_pages_init() - room for pages that were given away
 * @p: zeroed
 * @max: how many are remembered
 *
 * Return: 0 or -ENOMEM.
 */
int toe_virtio_pages_init(struct toe_virtio_pages *p, unsigned int max)
{
	p->given = kcalloc(max, sizeof(*p->given), GFP_KERNEL);
	p->max = max;
	return p->given ? 0 : -ENOMEM;
}

/**
 * toe_virtio_pages_free() - undo toe_virtio_pages_init()
 * @p: nobody else uses it; zeroed if that was not called or has failed
 */
void toe_virtio_pages_free(struct toe_virtio_pages *p)
{
	for (; p->num; p->num--) {
		put_page(p->given[p->first]);
		p->first = (p->first + 1) % p->max;
	}
	kfree(p->given);
}

/* Takes the one that was given first. */
static struct page *page_first(struct toe_virtio_pages *p)
{
	struct page *page = p->given[p->first];

	p->first = (p->first + 1) % p->max;
	p->num--;
	return page;
}

/**
 * toe_virtio_page_given() - somebody else has a reference now
 * @p: the caller has it alone
 * @page: of TOE_VIRTIO_PAGE bytes; the caller's reference is taken over
 */
void toe_virtio_page_given(struct toe_virtio_pages *p, struct page *page)
{
	if (p->num == p->max)
		put_page(page_first(p));
	p->given[(p->first + p->num++) % p->max] = page;
}

/**
 * toe_virtio_page_get() - a page to receive into
 * @p: the caller has it alone
 * @gfp: for a new one
 * @size: bytes in it: TOE_VIRTIO_PAGE, or less when memory is short
 *
 * Return: the page with one reference, or NULL.
 */
struct page *toe_virtio_page_get(struct toe_virtio_pages *p, gfp_t gfp,
				 unsigned int *size)
{
	unsigned int looks = min(p->num, LOOKS);
	struct page *page;

	*size = TOE_VIRTIO_PAGE;
	for (; looks; looks--) {
		page = page_first(p);
		if (page_ref_count(page) == 1)
			return page;
		toe_virtio_page_given(p, page);
	}
	gfp |= __GFP_NOWARN;
	page = alloc_pages(gfp | __GFP_COMP | __GFP_NORETRY | __GFP_NOMEMALLOC,
			   ORDER);
	if (page)
		return page;
	*size = PAGE_SIZE;
	return alloc_page(gfp);
}
